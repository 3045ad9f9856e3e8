"""A gateway with one app on a simulator, over real TLS on loopback: what the integration tests stand on."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from zope.interface import implementer

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.interface import ISpool
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Submission, Terms
from pushgate.model.outcome import DeadToken, Outcome, Report, State
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.gateway_interface import Receipt
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import apns_stream
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from tests.steady_reactor import SteadyReactor

PAYLOAD = b'{"aps":{"alert":"Hi"}}'
DEAD = b"\xde\xad"
"""Tokens that begin so are dead."""


def live(number: int) -> bytes:
    """A token of a living device."""
    return b"\x00\x01" + number.to_bytes(30, "big")


def dead(number: int) -> bytes:
    """A token of a device that is gone."""
    return DEAD + number.to_bytes(30, "big")


@implementer(IOutcomeSink)
class Audience:
    """Keeps the last outcome of each token, counts the reports, and tells when something came."""

    def __init__(self) -> None:
        self.outcomes: dict[bytes, tuple[State, int | None]] = {}
        self.first: Counter[bytes] = Counter()
        self.corrections: Counter[bytes] = Counter()
        self.dead: list[DeadToken] = []
        self.reasons: set[str] = set()
        self._waiting: list[Deferred[None]] = []

    def start(self) -> None:
        """Nothing to open."""

    def reopen(self) -> None:
        """Nothing to open."""

    def stop(self) -> None:
        """Nothing to close."""

    def emit(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if isinstance(report, Outcome):
                self.reasons.add(report.reason)
                counter = self.corrections if report.span.recalled else self.first
                for token in report.span.tokens():
                    self.outcomes[token] = (report.state, report.status)
                    counter[token] += 1
            else:
                self.dead.append(report)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def something(self) -> Deferred[None]:
        """Fires at the next report."""
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def tokens(self, state: State) -> set[bytes]:
        """The tokens whose last outcome is this."""
        return {token for token, (each, _) in self.outcomes.items() if each is state}


class Rig:
    """Start it, push, wait for outcomes, stop it.

    Its time is that of a `SteadyReactor`: its timers are short, and this process may stand still.

    :param script: the simulator's fault rules.
    :param app: settings of the app; durations in seconds. `simulator` has those of the simulator, `wall` is the gateway's clock on the wall, `spool`
        its spool, in memory by default.
    """

    def __init__(self, directory: str, script: Sequence[dict[str, Any]] = (), **app: Any) -> None:
        table = SimulatorTable.model_validate({
            "listen": f"tcp:0:interface={app.pop('interface', '127.0.0.1')}",
            "feedback_listen": "tcp:0:interface=127.0.0.1",
            "control_listen": "tcp:0:interface=127.0.0.1",
            "http2_listen": "tcp:0:interface=127.0.0.1",
            "services_listen": None,
            "dead": [DEAD.hex()],
            "script": list(script),
            "seed": 1,
            **app.pop("simulator", {}),
        }).model_copy(update={"state_dir": Path(directory)})  # fmt: skip
        self.reactor = SteadyReactor()
        self.simulator = Simulator(table, self.reactor)
        self.audience = Audience()
        self.context = Context(
            reactor=self.reactor,
            wall=app.pop("wall", time.time),
            jitter=lambda: 0.0,
            metrics=Metrics(),
            state_dir=None,
        )
        self.limits = Limits(expiry=app.pop("expiry", 60.0), queue=app.pop("queue", 1_000_000))
        spool: ISpool = app.pop("spool", None) or MemorySpool(self.reactor)
        self._app = app
        self.pushed = 0
        self.gateway = Gateway(self.context, spool, self.limits, lambda: random.getrandbits(58))

    async def start(self, factory: IUpstreamFactory = apns_stream) -> "Rig":
        """Start the simulator, then the gateway."""
        await self.simulator.start()
        self.gateway.attach("audience", self.audience, 1_000_000)
        self.gateway.add_app("news", self.table(), factory)
        await self.gateway.start()
        return self

    def table(self) -> ApnsStreamTable:
        """The app's configuration."""
        defaults: dict[str, Any] = {
            "upstream": "apns-stream",
            "certificate": self.simulator.certificates.client,
            "trust": self.simulator.certificates.ca,
            "host": "localhost",
            "port": self.simulator.port,
            "feedback": False,
            "feedback_host": "localhost",
            "feedback_port": self.simulator.feedback_port,
            "response_timeout": 0.4,
        }
        return ApnsStreamTable.model_construct(**{**defaults, **self._app})

    async def push(self, tokens: Sequence[bytes], payload: bytes = PAYLOAD, **terms: Any) -> Receipt:
        """Submit one batch."""
        submission = Submission(
            app="news", tokens=Packed.of(tokens, 1), payload=payload, terms=Terms(**terms)
        )
        self.pushed += len(tokens)
        return await self.gateway.submit(submission, "test")

    async def settled(self) -> None:
        """Wait until every notification has its outcome, and the sinks have it."""
        while sum(self.audience.first.values()) < self.pushed:
            await self.audience.something()

    def beat(self) -> Deferred[None]:
        """Fires a moment later: between two looks at something that does not report."""
        return deferLater(reactor, 0.02, lambda: None)  # type: ignore[arg-type]  # it is a reactor

    async def stop(self) -> None:
        """Stop everything."""
        self.gateway.refuse()
        await self.gateway.drain()
        await self.gateway.close()
        await self.simulator.stop()

    def received(self) -> Counter[bytes]:
        """How often the service accepted each token."""
        return Counter(entry.token for entry in self.simulator.received.entries())

    def circuit(self) -> tuple[bool, str]:
        """Whether the circuit is open, and the cause of the last failure."""
        circuit = self.gateway.stats()["apps"]["news"]["circuit"]
        return circuit["open"], circuit["cause"]
