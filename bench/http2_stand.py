"""A gateway before a simulator of Apple's HTTP/2 service that has faults; see `bench.fault_stand`."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec

from bench.fault_audit import Service
from bench.fault_stand import RESPONSE_TIMEOUT, Stand
from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugin.settings import AppTable
from pushgate.plugins.builtin import apns_http2
from pushgate.simulator.fault_rules import Rule
from pushgate.simulator.fault_script import FaultScript
from pushgate.simulator.provider_answer import ProviderAnswer
from pushgate.simulator.provider_request import ProviderRequest
from pushgate.simulator.provider_service import token_of
from pushgate.simulator.request_rules import (
    Answer,
    Drop,
    RequestRule,
    ResetStream,
    Silence,
    Slow,
    StopReading,
)
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table

REQUEST_TIMEOUT: Final = 4 * RESPONSE_TIMEOUT


class ProviderRecord(Service):
    """The record of a push service that answers each notification by itself.

    :ivar unanswered: notifications whose answer was kept back, with the connection.
    """

    unanswered: set[tuple[int, bytes]] = msgspec.field(default_factory=set)

    def is_silent(self, token: bytes) -> bool:
        return bool(self.silent) or any(each == token for _, each in self.unanswered)

    def doubtful(self, token: bytes) -> bool:
        earlier = self.accepted.get(token, ())[:-1]
        return all(each in self.silent or (each, token) in self.unanswered for each in earlier)


class _Watched(FaultScript):
    """A script that notes what it did."""

    def __init__(self, rules: Sequence[Rule], record: ProviderRecord, chance: Any) -> None:
        super().__init__(rules, chance)
        self._record = record

    def for_request(self, connection: int, request: int, token: bytes) -> RequestRule | None:
        rule = super().for_request(connection, request, token)
        if isinstance(rule, Drop):
            self._record.silent.add(connection)  # what is behind it in our socket is lost too
        if isinstance(rule, ResetStream | Silence | Drop) or (
            isinstance(rule, Slow) and rule.delay >= REQUEST_TIMEOUT
        ):
            self._record.unanswered.add((connection, token))
        if isinstance(rule, Silence) or (isinstance(rule, StopReading) and rule.duration >= REQUEST_TIMEOUT):
            self._record.silent.add(connection)
        if isinstance(rule, Answer) and rule.status != 200:
            self._record.refused.setdefault(token, set()).add(rule.status)
        return rule


class _Simulator(Simulator):
    """Records in `record` what it does."""

    def __init__(self, config: SimulatorTable, reactor: Any, record: ProviderRecord, wall: Any) -> None:
        super().__init__(config, reactor, wall=wall)
        self._provider.script = _Watched(config.script, record, Random(config.seed).random)
        judge = self._provider.judge

        def judged(request: ProviderRequest) -> ProviderAnswer:
            answer = judge(request)
            if answer.status != 200:
                token = token_of(request.head.target)
                record.refused.setdefault(token, set()).add(answer.status)
            return answer

        self._provider.judge = judged  # type: ignore[method-assign]  # this one connection's side is watched


class HTTP2Stand(Stand):
    """One gateway with a durable spool, one simulator, one program: over HTTP/2."""

    def _make_service(self, table: SimulatorTable, clock: Any) -> tuple[Service, Simulator]:
        record = ProviderRecord({}, {}, set(), set())
        return record, _Simulator(table, clock, record, self.wall)

    def _app_table(self) -> tuple[AppTable, UpstreamFactory]:
        key = self.simulator.provider_key
        table = ApnsHTTP2Table.model_validate(
            {
                "upstream": "apns-http2", "topic": "com.example.news", "key_file": str(key.file),
                "key_id": key.key_id, "team_id": key.team_id, "trust": str(self.simulator.certificates.ca),
                "host": "localhost", "port": self.simulator.http2_port,
                "delivery": str(self.program.delivery), "connections": self.program.connections,
                "streams": self.program.window,
                "request_timeout": f"{REQUEST_TIMEOUT:g}s", "retry_delay": "2s", "device_delay": "1s",
            }
        )  # fmt: skip
        return table, apns_http2
