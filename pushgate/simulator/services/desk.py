"""Where requests to the services come in: finds the service, has it judge, and keeps the record."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from pushgate.net.http.codec import RequestHead
from pushgate.simulator.fault_script import DeadHandles, FaultScript
from pushgate.simulator.received_log import ReceivedLog
from pushgate.simulator.request_rules import Answer, Pass, RequestRule
from pushgate.simulator.services.names import Call, reason_of
from pushgate.simulator.services.service_answer import ServiceAnswer, ServiceRefusal, json_reply
from pushgate.simulator.services.service_request import Route, Scripted, Service, ServiceRequest

_Found = tuple[Service, Route, dict[str, str]]
_NO_PATH: Final = json_reply(404, {"error": "NOT_FOUND", "detail": "no service has this path"}, reason="path")


class Judged(msgspec.Struct, frozen=True):
    """What a service answers by itself.

    :param connection: the nth to the services.
    :param over: ``http1`` or ``http2``.
    :param service: None when no service has the path.
    """

    connection: int
    over: str
    answer: ServiceAnswer
    call: Call = "token"
    service: Service | None = None

    @property
    def succeeds(self) -> bool:
        """See `ServiceAnswer`."""
        return self.answer.succeeds

    @property
    def refuses(self) -> bool:
        """See `ServiceAnswer`."""
        return self.answer.refuses


class ServiceDesk:
    """State that all connections to the services share.

    :param wall: Unix seconds.
    :ivar script: may be replaced at any time; the next request is judged by the new one.
    """

    def __init__(
        self,
        services: Sequence[Service],
        script: FaultScript,
        dead: DeadHandles,
        received: ReceivedLog,
        wall: Callable[[], float],
    ) -> None:
        self.script, self.received, self.wall = script, received, wall
        self._services, self._dead = tuple(services), dead

    def ask(
        self, connection: int, over: str, head: RequestHead, body: bytes
    ) -> tuple[RequestRule | None, Judged]:
        """The rule about a complete request, and what its service answers by itself."""
        request = ServiceRequest(head, body, self.wall(), self._dead)
        found = self._find(request)
        if found is None:
            return None, Judged(connection, over, _NO_PATH)
        service, route, named = found
        handles = route.handles(request, named)
        rule = self.script.for_call(connection, service.name, route.call, handles)
        if isinstance(rule, Pass):
            request.is_dead = _immortal
        answer = _judge(request, found)
        if route.call != "push":
            self.received.count_call(service.name, route.call, answer.status)
        elif answer.refuses and not answer.size:
            answer = msgspec.structs.replace(answer, refused=max(1, len(handles) if route.many else 1))
        self.received.count_frames(service.name, answer.size)
        return rule, Judged(connection, over, answer, route.call, service)

    def scripted(self, rule: Answer, answer: Judged) -> Judged:
        """The answer that a rule wants, in the form of the service."""
        usual = answer.answer
        if rule.status < 300 and not rule.words and usual.succeeds:
            made = msgspec.structs.replace(usual, status=rule.status)
        else:
            assert answer.service is not None  # no rule is about a path that is none
            wanted = Scripted(status=rule.status, reason=rule.words, message=rule.message, field=rule.field)
            made = answer.service.refusal(answer.call, wanted)
        made = msgspec.structs.replace(
            made, headers=made.headers + rule.further_headers(self.wall()), deliveries=(), refused=usual.size
        )
        return msgspec.structs.replace(answer, answer=made)

    def enter(self, answer: Judged) -> None:
        """Enter in the record what an answer accepts and refuses."""
        now = self.wall()
        for delivery in answer.answer.deliveries:
            self.received.record_delivery(answer.connection, answer.over, delivery, now)
        self.enter_refused(answer)

    def enter_refused(self, answer: Judged) -> None:
        """Enter what an answer refuses."""
        made = answer.answer
        if made.refused and answer.service is not None:
            self.received.count_refused(answer.service.name, made.refused, made.status, made.reason)

    def enter_unanswered(self, answer: Judged, accepted: bool) -> None:
        """Enter what does not get this answer.

        :param accepted: it is accepted nevertheless, if the answer would accept it.
        """
        made = answer.answer
        if accepted:
            self.enter(msgspec.structs.replace(answer, answer=msgspec.structs.replace(made, refused=0)))
        if answer.service is not None:
            lost = made.refused if accepted else made.size
            self.received.count_discarded(answer.service.name, lost)

    def _find(self, request: ServiceRequest) -> _Found | None:
        """The service and the route of a request."""
        host = request.host.partition(":")[0].lower()
        at_home = [each for each in self._services if _is_host_of(host, each)]
        for service in at_home or self._services:
            for route in service.routes:
                named = route.path.fullmatch(request.path)
                if named is not None:
                    return service, route, named.groupdict()
        return None


def _judge(request: ServiceRequest, found: _Found) -> ServiceAnswer:
    service, route, named = found
    if request.method not in route.methods:
        wanted = Scripted(
            status=405, reason=reason_of(service.name, route.call, 405), message="Method not allowed"
        )
        answer = service.refusal(route.call, wanted)
        allowed = (b"allow", ", ".join(route.methods).encode())
        return msgspec.structs.replace(answer, headers=(*answer.headers, allowed))
    try:
        return route.judge(request, named)
    except ServiceRefusal as refusal:
        return refusal.answer


def _is_host_of(host: str, service: Service) -> bool:
    return any(host == each or (each.startswith(".") and host.endswith(each)) for each in service.hosts)


def _immortal(_: str) -> bool:
    return False
