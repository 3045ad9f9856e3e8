"""A gateway on a clock that tests move, with an upstream that does as tests say."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.queue.app_queue import AppQueue
from pushgate.gateway.spool.interface import ISpool
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import Refusal
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Submission, Terms
from pushgate.model.outcome import Outcome, State
from pushgate.model.outcome_record import record
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import Receipt
from pushgate.plugin.settings import AppTable
from pushgate.testing import RecordingSink, RecordingUpstream, RecordingUpstreams
from tests.samples import PAYLOAD, token

EPOCH = 1_700_000_000
"""What the wall clock shows when a rig is made."""


class GatewayRig:
    """A started gateway with the apps `news` and `chat`.

    :param app: settings of both apps.
    :ivar epoch: what the wall clock showed at second 0 of the monotonic one; assign to it to step the clock.
    """

    def __init__(self, spool: ISpool | None = None, limits: Limits | None = None, **app: Any) -> None:
        self.clock, self.epoch, self.metrics = Clock(), float(EPOCH), Metrics()
        self.context = Context(reactor=self.clock, wall=self.wall, jitter=lambda: 0.0, metrics=self.metrics)
        self.factory, self.sink = RecordingUpstreams(), RecordingSink()
        self.gateway = Gateway(
            self.context, spool or MemorySpool(self.clock), limits or Limits(), count(1).__next__
        )
        for name in ("news", "chat"):
            self.gateway.add_app(name, AppTable(upstream="recording", **app), self.factory)
        self.gateway.add_sink("sink", self.sink, 1_000_000)
        self.started = self.gateway.start()

    @property
    def upstream(self) -> RecordingUpstream:
        """The one of `news`."""
        return self.factory.made["news"]

    @property
    def queue(self) -> AppQueue:
        """The queue of `news`; its upstream has a lease of it only."""
        return self.gateway._apps.under_way("news").queue

    def wall(self) -> float:
        """Unix seconds."""
        seconds: float = self.clock.seconds()
        return self.epoch + seconds

    def submit(
        self,
        tokens: int | Sequence[bytes] = 1,
        payload: bytes | Packed = PAYLOAD,
        app: str = "news",
        key: str | None = None,
        **terms: Any,
    ) -> Deferred[Receipt]:
        """Submit one batch through the input `test`."""
        members = list(map(token, range(tokens))) if isinstance(tokens, int) else tokens
        submission = Submission(
            app=app, tokens=Packed.of(members, 1), payload=payload, terms=Terms(**terms), key=key
        )
        return self.gateway.submit(submission, "test")

    def reported(self) -> list[tuple[bytes, State, str]]:
        """Token, state and reason of every outcome the sink was given, in order."""
        self.clock.pump([0] * 3)
        return [
            (each, report.state, report.reason)
            for report in self.sink.reports
            if isinstance(report, Outcome)
            for each in report.span.tokens()
        ]

    def states(self) -> dict[bytes, State]:
        """The state of each token; a token must have had one outcome only."""
        reported = self.reported()
        assert max(Counter(each for each, _, _ in reported).values(), default=1) == 1, "reported twice"
        return {each: state for each, state, _ in reported}

    def status(self, number: int) -> dict[str, Any]:
        """The gateway's record of a notification."""
        fields: dict[str, Any] = json.loads(record(now(self.gateway.status(number))))
        return fields

    def counted(self, name: str, *labels: str) -> int:
        """What a counter shows."""
        return self.metrics.counts[name].get(labels, 0)


def now(answer: Any) -> Any:
    """What a gateway answered, at once or with a Deferred that must have fired."""
    return answer.result if isinstance(answer, Deferred) else answer


class GatewayTestCase(SynchronousTestCase):
    """Has a rig; a test that needs another one assigns it to `rig`."""

    def setUp(self) -> None:
        self.rig = GatewayRig()

    def accepted(self, *arguments: Any, **terms: Any) -> Receipt:
        """The receipt of a submission that must be accepted."""
        return self.successResultOf(self.rig.submit(*arguments, **terms))

    def refused(self, kind: type[Refusal], *arguments: Any, **terms: Any) -> Refusal:
        """Why a submission was refused."""
        return self.failureResultOf(self.rig.submit(*arguments, **terms), kind).value


def tokens_of(spans: Sequence[BatchSlice]) -> list[bytes]:
    """The tokens of spans, in order."""
    return [each for span in spans for each in span.tokens()]
