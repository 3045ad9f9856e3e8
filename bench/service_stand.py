"""A gateway before a service of the simulator's that is not Apple's; see `bench.fault_stand`."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from bench.fault_audit import Service
from bench.fault_stand import DEAD, RESPONSE_TIMEOUT, Stand
from bench.http2_stand import ProviderRecord
from bench.service_apps import SERVICE_APPS, ServiceApp
from pushgate.net.http.codec import RequestHead
from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugin.settings import AppTable
from pushgate.simulator.accepted import Accepted
from pushgate.simulator.fault_rules import Rule
from pushgate.simulator.fault_script import FaultScript
from pushgate.simulator.request_rules import (
    Drop,
    GoAway,
    RequestRule,
    ResetStream,
    Silence,
    Slow,
    StopReading,
)
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable

REFUSED_STREAM: Final = 7
REQUEST_TIMEOUT: Final = 4 * RESPONSE_TIMEOUT


class ServiceRecord(ProviderRecord):
    """The record of a service whose notifications have handles.

    :ivar targets: by handle.
    :ivar is_http1: the request that is judged came over HTTP/1.1.
    """

    targets: dict[str, bytes] = msgspec.field(default_factory=dict)
    is_http1: bool = False

    def kills(self, refused: set[int]) -> bool:
        return bool(refused)

    def noted(self, connection: int, handles: Sequence[str], rule: RequestRule | None) -> None:
        """Note what a rule does about these."""
        is_late = (isinstance(rule, Slow) and rule.delay >= REQUEST_TIMEOUT) or (
            isinstance(rule, StopReading) and rule.duration >= REQUEST_TIMEOUT
        )
        is_end = isinstance(rule, Drop) or (self.is_http1 and isinstance(rule, GoAway | ResetStream))
        is_reset = isinstance(rule, ResetStream) and rule.code != REFUSED_STREAM
        if is_end or is_reset or is_late or isinstance(rule, Silence):
            self.unanswered.update((connection, self.target(handle)) for handle in handles)
        if is_end or is_late or isinstance(rule, Silence):
            self.silent.add(connection)  # what is behind it is lost, too

    def target(self, handle: str) -> bytes:
        """The target of a handle."""
        return self.targets.get(handle, handle.encode())


class _Watched(FaultScript):
    """A script that notes what it did."""

    def __init__(self, rules: Sequence[Rule], record: ServiceRecord, chance: Any) -> None:
        super().__init__(rules, chance)
        self._record = record

    def for_call(
        self, connection: int, service: str, call: str, handles: Sequence[str]
    ) -> RequestRule | None:
        rule = super().for_call(connection, service, call, handles)
        self._record.noted(connection, handles if call == "push" else (), rule)
        return rule


class _Simulator(Simulator):
    """Records in `record` what it does."""

    def __init__(self, config: SimulatorTable, reactor: Any, record: ServiceRecord, wall: Any) -> None:
        super().__init__(config, reactor, wall=wall)
        desk = self._desk
        desk.script = _Watched(config.script, record, Random(config.seed).random)
        ask, scripted, self._record = desk.ask, desk.scripted, record

        def asked(connection: int, over: str, head: RequestHead, body: bytes) -> Any:
            record.is_http1 = over == "http1"
            rule, judged = ask(connection, over, head, body)
            self._handles = list(_handles(judged, head, body, desk))
            self._refusing(judged)
            return rule, judged

        def answered(rule: Any, answer: Any) -> Any:
            judged = scripted(rule, answer)
            self._refusing(judged)
            return judged

        desk.ask, desk.scripted = asked, answered  # type: ignore[method-assign]  # this one's side is watched

    def _refusing(self, judged: Any) -> None:
        """Note a refusal of the request that was asked last."""
        if judged.call == "push" and judged.refuses:
            for handle in self._handles:
                self._record.refused.setdefault(self._record.target(handle), set()).add(judged.answer.status)


def _handles(judged: Any, head: RequestHead, body: bytes, desk: Any) -> Sequence[str]:
    """The handles of a push; none of another call."""
    from pushgate.simulator.services.service_request import ServiceRequest

    found = desk._find(ServiceRequest(head, body, desk.wall(), desk._dead))
    if found is None or judged.call != "push":
        return ()
    _, route, named = found
    handles: Sequence[str] = route.handles(ServiceRequest(head, body, desk.wall(), desk._dead), named)
    return handles


class ServiceStand(Stand):
    """One gateway with a durable spool, one simulator, one program: over the service of `app`.

    :cvar app: on the service.
    """

    app: ServiceApp

    @cached_property
    def _targets(self) -> list[list[bytes]]:
        """The targets, once the simulator has a port."""
        record, found = self.service, []
        assert isinstance(record, ServiceRecord)
        for batch in self.program.tokens():
            targets = []
            for token in batch:
                prefix = "gone" if token.startswith(DEAD) else "live"
                name = f"{prefix}{int.from_bytes(token[2:], 'big')}"
                target = self.app.target(self.simulator, name).encode()
                record.targets[_handle(self.app.kind, target)] = target
                targets.append(target)
            found.append(targets)
        return found

    @property
    def payload(self) -> bytes:  # type: ignore[override]  # of the service
        return self.app.payload

    def tokens(self) -> list[list[bytes]]:
        return self._targets

    def received(self) -> list[Accepted]:
        record = self.service
        assert isinstance(record, ServiceRecord)
        return [
            msgspec.structs.replace(entry, token=record.target(entry.handle or ""))
            for entry in self.simulator.received.entries()
        ]

    def _simulator_table(self, certificates: Path) -> SimulatorTable:
        table = super()._simulator_table(certificates)
        more = {"services_listen": "tcp:0:interface=127.0.0.1", "dead_handles": ["gone*"]}
        return table.model_copy(update=more)

    def _script(self) -> list[dict[str, Any]]:
        return [_for(self.app.kind, rule) for rule in self.program.script]

    def _make_service(self, table: SimulatorTable, clock: Any) -> tuple[Service, Simulator]:
        record = ServiceRecord({}, {}, set(), set(), {})
        return record, _Simulator(table, clock, record, self.wall)

    def _app_table(self) -> tuple[AppTable, UpstreamFactory]:
        own = self.app.table(self.simulator)
        where = {"port": self.simulator.services_port} if "host" in own else {}
        table = self.app.factory.config.model_validate(
            {
                "upstream": self.app.kind, "trust": str(self.simulator.certificates.ca),
                "delivery": str(self.program.delivery), "connections": self.program.connections,
                "streams": self.program.window, "request_timeout": f"{REQUEST_TIMEOUT:g}s",
                "retry_delay": "2s", "device_delay": "1s", **where, **own,
            }
        )  # fmt: skip
        return table, self.app.factory


def _for(kind: str, rule: dict[str, Any]) -> dict[str, Any]:
    """A rule about the service, or about connections to all of them."""
    service = "services" if rule["act"] in {"refuse", "tls-alert"} else kind
    return {"service": service, **rule}


def _handle(kind: str, target: bytes) -> str:
    """What the service calls a target in its record."""
    text = target.decode()
    if kind in {"wns", "mpns"}:
        return text.rpartition("/")[2]
    if kind == "webpush":
        endpoint: str = msgspec.json.decode(target)["endpoint"]
        return endpoint.rpartition("/")[2]
    return text


def stand_of(name: str) -> type[ServiceStand]:
    """The stand of a service, in one of its variants."""
    return type(f"{name.capitalize()}Stand", (ServiceStand,), {"app": SERVICE_APPS[name]})
