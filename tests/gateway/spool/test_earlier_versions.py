"""A state directory that an earlier version wrote: it opens, and nothing in it is lost or sent twice.

``data/spool-0.1.0.sqlite.gz`` was written by 0.1.0: five batches of the app ``news``, some of them settled in part,
two idempotency keys, an intent to write under at-most-once, three calls of reports that no sink had taken, and two
dead tokens.
"""

import gzip
from collections import Counter
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import TestCase

from pushgate.gateway.spool.spool_file import FILE
from pushgate.gateway.spool.sqlite import SqliteSpool
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Submission, Terms
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from tests.rig import Audience, Rig

WRITTEN = Path(__file__).with_name("data") / "spool-0.1.0.sqlite.gz"
NOW = 1_790_000_100.0
"""Unix seconds, for the spool: a minute after it was written, so that its keys are known."""
HELLO = b'{"aps":{"alert":"Hello"}}'


def token(number: int, size: int = 32) -> bytes:
    """A token as the fixture has it."""
    return number.to_bytes(4, "big") + bytes(size - 4)


TO_SEND = Counter(
    [token(number) for number in range(20, 150) if number not in {30, 103, 119, 149}]
    + [token(number, 4 + number % 90) for number in range(150, 250)]
    + [token(number) for number in range(255, 270)]
)
"""What had no outcome: neither refused (103, 149), nor dead (30, 119), nor in doubt (250 to 254)."""


class EarlierVersionTests(TestCase):
    timeout = 60

    async def rig(self, directory: Path) -> tuple[Rig, Audience]:
        """A started gateway on that state directory, and a sink of its configuration."""
        context = Context(reactor=reactor, wall=lambda: NOW, jitter=float, metrics=Metrics())
        rig, sink = Rig(self.mktemp(), spool=SqliteSpool(directory, context)), Audience()
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        rig.gateway.add_sink("records", sink, 100_000)
        await rig.start()
        return rig, sink

    async def test_0_1_0(self) -> None:
        """What waited is sent once, what was not reported is reported once, keys and dead tokens are known."""
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / FILE).write_bytes(gzip.decompress(WRITTEN.read_bytes()))
        with capturedLogs() as logged:
            rig, sink = await self.rig(directory)
        self.assertEqual([event for event in logged if event["log_level"] >= LogLevel.error], [])
        while rig.gateway.left() or sum(sink.first.values()) < 268:
            await rig.beat()
        self.assertEqual(rig.received(), TO_SEND)
        self.assertEqual(set(sink.first.values()), {1})
        payloads = {each.token: each.payload for each in rig.simulator.received.entries()}
        self.assertEqual(payloads[token(120)], b'{"n":20}')
        self.assertEqual(sink.tokens(State.UNKNOWN), {token(number) for number in range(250, 255)})
        self.assertEqual(sink.tokens(State.SUPPRESSED), {token(30), token(119)})
        reported = {token(number) for number in (*range(10, 19), *range(20, 30))}
        self.assertLessEqual(reported, sink.tokens(State.ACCEPTED) | sink.tokens(State.PRESUMED))
        self.assertEqual(sink.tokens(State.REJECTED), {token(19), token(272)})
        self.assertEqual(
            (sink.corrections, [each.token for each in sink.dead]), ({token(272): 1}, [token(900)])
        )
        await self.again(rig)

    async def again(self, rig: Rig) -> None:
        """The keys of 0.1.0 send nothing a second time."""
        for order, tokens, terms in (
            (1, [token(number) for number in range(100)], Terms()),
            (
                2,
                [token(n, 4 + n % 90) for n in range(150, 250)],
                Terms(expiration=4_000_000_000, push_type="alert"),
            ),
        ):
            submission = Submission(
                app="news", tokens=Packed.of(tokens, 1), payload=HELLO, terms=terms, key=f"campaign-{order}"
            )
            receipt = await rig.gateway.submit(submission, "test")
            self.assertEqual(receipt.id >> 80, int((NOW - 100 + {1: 1, 2: 3}[order]) * 1000))
        self.assertEqual(rig.gateway.left(), 0)
        self.assertEqual(rig.received(), TO_SEND)
