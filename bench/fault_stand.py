"""A gateway before a simulator that has faults: one program of faults, from the first submit to the audit."""

import sqlite3
import tempfile
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

from bench.fault_audit import Reported, Service, Verdict, compare
from bench.fault_clock import Hurry
from pushgate.gateway.gateway import Gateway, Limits
from pushgate.gateway.spool.spool_file import FILE
from pushgate.gateway.spool.sqlite import SqliteSpool
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Delivery, Priority, Submission, Terms
from pushgate.model.outcome import DeadToken, Outcome, Report
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugin.settings import AppTable
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import apns_stream
from pushgate.protocols.apns_binary.frames import Frame, MalformedFrame
from pushgate.simulator.accepted import Accepted
from pushgate.simulator.fault_rules import (
    Accept,
    AnswerAction,
    FrameRule,
    Reject,
    Rule,
    Stall,
    parse_rules,
)
from pushgate.simulator.fault_script import FaultScript
from pushgate.simulator.rule_conditions import EndAction
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable

RESPONSE_TIMEOUT: Final = 0.5
TIMEOUT: Final = 60.0
"""Seconds on the machine's own clock after which a program counts as hanging."""
DEAD: Final = b"\xde\xad"
"""Tokens that begin so are dead."""
PAYLOAD: Final = b'{"aps":{"alert":"Hi"}}'


class Program(msgspec.Struct, frozen=True):
    """What happens: notifications in batches, and the faults they meet.

    :param script: the simulator's rules.
    :param batches: how many notifications each has; every third batch is bulk.
    :param dead: every nth token is dead; 0: none.
    :param tail: seconds of the longest answer that comes late: so long is waited for corrections.
    """

    script: tuple[dict[str, Any], ...] = ()
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    batches: tuple[int, ...] = (120, 40, 80)
    connections: int = 2
    window: int = 1000
    dead: int = 0
    tail: float = 0.0

    def tokens(self) -> list[list[bytes]]:
        """The tokens of each batch, all different."""
        numbers = iter(range(sum(self.batches)))
        return [[self._token(next(numbers)) for _ in range(count)] for count in self.batches]

    def _token(self, number: int) -> bytes:
        dead = self.dead and number % self.dead == self.dead - 1
        return (DEAD if dead else b"\x00\x01") + number.to_bytes(30, "big")


class _Watched(FaultScript):
    """A script that notes what it did."""

    def __init__(self, rules: Sequence[Rule], service: Service, chance: Any) -> None:
        super().__init__(rules, chance)
        self._service = service

    def for_frame(self, connection: int, frame: int, token: bytes) -> FrameRule | None:
        rule = super().for_frame(connection, frame, token)
        if isinstance(rule, Reject) and frame:
            self._service.refused.setdefault(token, set()).add(rule.status)
        if rule is not None and not _gives_outcomes(rule):
            self._service.silent.add(connection)
        return rule


def _gives_outcomes(rule: FrameRule) -> bool:
    """Whether the gateway can know from this what became of everything in flight."""
    if isinstance(rule, Accept | Stall):
        return True
    if not isinstance(rule, AnswerAction):
        return False
    named = rule.identifier is None and not rule.lost and rule.command == 8
    return named and rule.linger and rule.end is not EndAction.RESET  # both may destroy the answer on its way


class _Simulator(Simulator):
    """Records in `record` what it does."""

    def __init__(self, config: SimulatorTable, reactor: Any, record: Service, wall: Any) -> None:
        super().__init__(config, reactor, wall=wall)
        self.record = record
        self._push.script = _Watched(config.script, record, Random(config.seed).random)
        judge = self._push.judge

        def judged(connection: int, place: int, frame: Frame | MalformedFrame) -> Any:
            verdict = judge(connection, place, frame)
            if isinstance(verdict, int) and isinstance(frame, Frame):
                record.refused.setdefault(frame.token, set()).add(int(verdict))
            return verdict

        self._push.judge = judged  # type: ignore[method-assign]  # this one connection's side is watched


@implementer(IOutcomeSink)
class _Listener:
    """Records every outcome."""

    def __init__(self) -> None:
        self.reported, self.dead = Reported(), list[DeadToken]()

    def start(self) -> None: ...
    def reopen(self) -> None: ...
    def stop(self) -> None: ...

    def emit(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if isinstance(report, Outcome):
                self.reported.take(report)
            else:
                self.dead.append(report)


class Stand:
    """One gateway with a durable spool, one simulator, one program: here over the binary stream.

    :param certificates: where the throw-away certificates are kept, so that not every program makes its own.
    """

    def __init__(self, program: Program, directory: Path, certificates: Path) -> None:
        self.program, self._directory = program, directory
        self._time = Hurry(reactor, self._idle)
        self._base = time.time()
        self.listener = _Listener()
        self.service, self.simulator = self._make_service(self._simulator_table(certificates), self._time)
        context = Context(
            reactor=self._time,
            wall=self.wall,
            jitter=Random(1).random,
            metrics=Metrics(),
            state_dir=directory,
        )
        limits = Limits(expiry=30 * 86400.0)
        self.gateway = Gateway(
            context, SqliteSpool(directory, context), limits, lambda: Random().getrandbits(58)
        )
        self._connecting = False

    payload = PAYLOAD

    def tokens(self) -> list[list[bytes]]:
        """The targets of each batch, all different."""
        return self.program.tokens()

    def received(self) -> list[Accepted]:
        """What the service accepted, by target."""
        return self.simulator.received.entries()

    def wall(self) -> float:
        """Unix seconds."""
        return self._base + self._time.seconds()

    async def run(self) -> Verdict:
        """Send everything, wait for every outcome, stop, compare."""
        self._time.start()
        try:
            await self.simulator.start()
            self.gateway.attach("listener", self.listener, 1_000_000)
            table, factory = self._app_table()
            self.gateway.add_app("news", table, factory)
            await self.gateway.start()
            self._connecting = True
            await self._submit()
            await self._settled()
            await self._stop()
        finally:
            self._time.stop()
        self.service.record(self.received())
        tokens = [token for batch in self.tokens() for token in batch]
        found = compare(self.program.delivery, tokens, self.listener.reported, self.service, self._left())
        found.dead = len(self.gateway.dead_tokens("news", b"", 1_000_000))
        return found

    async def _submit(self) -> None:
        receipts = []
        for index, tokens in enumerate(self.tokens()):
            terms = Terms(priority=Priority.BULK if index % 3 == 2 else Priority.URGENT)
            submission = Submission(
                app="news", tokens=Packed.of(tokens, 2), payload=self.payload, terms=terms
            )
            receipts.append(self.gateway.submit(submission, "test"))
            await self._later(0.1)
        await gatherResults(receipts)

    async def _settled(self) -> None:
        """Until all have an outcome, and whatever might correct one has come."""
        deadline = time.monotonic() + TIMEOUT
        while self.gateway.left():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.gateway.left()} notifications without an outcome: {self.program}")
            await deferLater(reactor, 0.002)
        if self.program.tail:
            await self._later(self.program.tail)

    async def _stop(self) -> None:
        self.gateway.refuse()
        await self.gateway.drain()
        await self.gateway.close()
        await self.simulator.stop()

    def _later(self, seconds: float) -> Deferred[None]:
        return deferLater(self._time, seconds)

    def _idle(self) -> bool:
        """Whether the gateway has no connection and makes none."""
        states = [each.state() for each in self.gateway.upstreams().values()] if self._connecting else []
        return bool(states) and not any(sum(state.connections.values()) for state in states)

    def _left(self) -> int:
        """Batches in the file after the end."""
        connection = sqlite3.connect(self._directory / FILE)
        [(count,)] = connection.execute("SELECT count(*) FROM batch").fetchall()
        connection.close()
        return int(count)

    def _simulator_table(self, certificates: Path) -> SimulatorTable:
        names = ("", "feedback_", "control_", "http2_")
        listen = {f"{name}listen": "tcp:0:interface=127.0.0.1" for name in names}
        table = SimulatorTable.model_validate(
            {**listen, "services_listen": None, "dead": [DEAD.hex()], "seed": 1}
        )
        script = parse_rules(self._script())
        return table.model_copy(update={"state_dir": certificates, "script": script})

    def _script(self) -> list[dict[str, Any]]:
        """The rules of the program."""
        return list(self.program.script)

    def _make_service(self, table: SimulatorTable, clock: Any) -> tuple[Service, Simulator]:
        """The push service's side: its record, and the simulator that is recorded."""
        record = Service({}, {}, set())
        return record, _Simulator(table, clock, record, self.wall)

    def _app_table(self) -> tuple[AppTable, UpstreamFactory]:
        """The gateway's side: the app, and the kind of its upstream."""
        table = ApnsStreamTable.model_construct(
            upstream="apns-stream",
            delivery=self.program.delivery,
            certificate=self.simulator.certificates.client,
            trust=self.simulator.certificates.ca,
            host="localhost",
            port=self.simulator.port or 0,
            feedback=False,
            connections=self.program.connections,
            window=self.program.window,
            response_timeout=RESPONSE_TIMEOUT,
        )
        return table, apns_stream


def run(program: Program, certificates: Path, stand: type[Stand] = Stand) -> Verdict:
    """Run a program in the reactor, which must not be running, and come back."""
    with tempfile.TemporaryDirectory(prefix="pushgate-faults-") as directory:
        return spin(stand(program, Path(directory), certificates).run())


_T = TypeVar("_T")


def spin(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """What a coroutine returns; the reactor runs until then, and may be run again."""
    results: list[Any] = []

    def done(result: Any) -> None:
        results.append(result)
        reactor.crash()

    Deferred.fromCoroutine(coroutine).addBoth(done)
    if not results:
        reactor.run(installSignalHandlers=False)  # type: ignore[call-arg]  # the interface does not say
    if reactor.threadpool is not None:  # type: ignore[attr-defined]  # it is a reactor
        reactor._stopThreadPool()  # type: ignore[attr-defined]  # as trial does; nothing else ends its threads
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    value: _T = result
    return value
