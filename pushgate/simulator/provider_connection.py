"""One provider's connection over HTTP/2: bytes to the codec, answers as the service and the rules say."""

from collections.abc import Callable
from functools import partial, singledispatchmethod
from typing import Any, Final

import msgspec
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.net.http.codec import (
    BodyData,
    Event,
    Header,
    HTTP2ServerCodec,
    Refused,
    RequestEnd,
    RequestHead,
    RoomGrew,
    StreamReset,
)
from pushgate.net.http.http2 import http2_codec
from pushgate.net.read_pause import ReadPause
from pushgate.protocols.apns_http2.certificate_grants import grants
from pushgate.simulator.connection_close import ConnectionClose
from pushgate.simulator.connection_gate import ConnectionGate, GuardedConnection
from pushgate.simulator.fault_plan import FaultPlan
from pushgate.simulator.provider_answer import JSON, ProviderAnswer, new_id
from pushgate.simulator.provider_service import MAX_BODY, ProviderService, token_of
from pushgate.simulator.request_rules import (
    Answer,
    Drop,
    GoAway,
    LimitStreams,
    Pass,
    RequestRule,
    ResetStream,
    Silence,
    Slow,
    StopReading,
)

_UNREAD: Final = "answers are not read"
_SCRIPTED: Final = "as scripted"
_NO_LAST: Final = 0x7FFFFFFF


class _Request(msgspec.Struct):
    """A request that is not complete."""

    head: RequestHead
    body: bytearray


class _Decided(msgspec.Struct, frozen=True):
    """A complete request, and what the service would answer."""

    head: RequestHead
    answer: ProviderAnswer


@implementer(IHandshakeListener, IPushProducer)
class ProviderConnection(GuardedConnection):
    """See the module."""

    log = Logger()
    _codec: HTTP2ServerCodec

    def __init__(
        self, service: ProviderService, clock: IReactorTime, gate: ConnectionGate, number: int
    ) -> None:
        super().__init__(gate, number)
        self._service, self._clock = service, clock
        self._requests: dict[int, _Request] = {}
        self._unsent: dict[int, bytes] = {}
        self._timers: set[IDelayedCall] = set()
        self._established = self._ended = self._raised = self._leaving = False
        self._place = self._highest = 0
        self._last = _NO_LAST

    # called by the transport

    def connectionMade(self) -> None:
        super().connectionMade()
        self._closing = ConnectionClose(self.transport, self._clock)
        self._reading = ReadPause(self.transport, lambda: None)
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)

    def handshakeCompleted(self) -> None:
        self._established = True
        peer = self.transport.getPeerCertificate()
        certificate = None if peer is None else grants(peer.to_cryptography())
        self._credential = self._service.credential(certificate)
        self._raised = certificate is not None
        self._codec = http2_codec(self._service.limits(self._credential))
        self.log.info("HTTP/2 connection {number} is up", number=self.number)
        rule = self._service.script.for_request(self.number, 0, b"")
        if rule is not None:
            self._begin_with(rule)
        self._flush()

    def dataReceived(self, data: bytes) -> None:
        if self._ended:
            return
        for event in self._codec.receive(data):
            self._handle(event)
            if self._ended:
                return
        self._settle()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._ended = True
        if not self._established:
            self.gate.handshakes_failed += 1
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._closing.cancel()
        self.log.info("HTTP/2 connection {number} is gone: {why}",
                      number=self.number, why=reason.getErrorMessage())  # fmt: skip
        super().connectionLost(reason)

    def pauseProducing(self) -> None:
        """Called by the transport: the provider does not read its answers."""
        self._reading.hold(_UNREAD)

    def resumeProducing(self) -> None:
        """Called by the transport: the provider has read."""
        self._reading.release(_UNREAD)

    def stopProducing(self) -> None:
        """Called by the transport when it is lost; `connectionLost` does the work."""

    # what comes

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestHead):
            self._requests[event.stream] = _Request(event, bytearray())
        elif isinstance(event, BodyData):
            body = self._requests[event.stream].body
            body += event.data[: MAX_BODY - len(body)]
        elif isinstance(event, RequestEnd):
            self._complete(self._requests.pop(event.stream))
        elif isinstance(event, StreamReset):
            self._requests.pop(event.stream, None)
            self._unsent.pop(event.stream, None)
        elif isinstance(event, RoomGrew):
            self._send_unsent()
        elif isinstance(event, Refused):
            self.log.info("HTTP/2 connection {number} is refused: {why}", number=self.number, why=event.text)
            self._end(FaultPlan())

    def _complete(self, request: _Request) -> None:
        """Decide on a request."""
        stream = request.head.stream
        if stream > self._last:  # it was read together with what made us send GOAWAY
            return
        self._place += 1
        script = self._service.script
        rule = None
        if script.about_requests:
            rule = script.for_request(self.number, self._place, token_of(request.head.target))
        asked = self._service.request(
            self.number, request.head, bytes(request.body), self._credential, isinstance(rule, Pass)
        )
        answer = self._service.judge(asked)
        if answer.counts:
            self._service.received.frames += 1
        self._act(rule, _Decided(request.head, answer))
        self._highest = max(self._highest, stream)

    # what a rule makes of it

    @singledispatchmethod
    def _act(self, rule: object, decided: _Decided) -> None:
        """Answer as usual: no rule, or one that changes nothing."""
        self._reply(decided.head, self._accounted(decided.answer))

    @_act.register
    def _(self, rule: Answer, decided: _Decided) -> None:
        accepted = rule.status == 200 if rule.accepted is None else rule.accepted
        answer = self._scripted(rule, decided.answer)
        if accepted and decided.answer.accept is not None:
            self._accounted(decided.answer)
        elif decided.answer.counts:
            self._count_refused(answer)
        self._later(rule.delay, partial(self._reply, decided.head, answer, rule.body))

    @_act.register
    def _(self, rule: Slow, decided: _Decided) -> None:
        self._later(rule.delay, partial(self._reply, decided.head, self._accounted(decided.answer)))

    @_act.register
    def _(self, rule: Silence, decided: _Decided) -> None:
        self._account_unanswered(decided.answer, rule.accepted)

    @_act.register
    def _(self, rule: ResetStream, decided: _Decided) -> None:
        self._account_unanswered(decided.answer, rule.accepted)
        self._later(rule.delay, partial(self._codec.reset, decided.head.stream, rule.code))

    @_act.register
    def _(self, rule: GoAway, decided: _Decided) -> None:
        stream = decided.head.stream
        if rule.accepted or stream < self._highest:
            self._reply(decided.head, self._accounted(decided.answer))
            self._highest = max(self._highest, stream)
        else:
            self._account_unanswered(decided.answer, False)
        self._go_away(rule)

    @_act.register
    def _(self, rule: LimitStreams, decided: _Decided) -> None:
        self._reply(decided.head, self._accounted(decided.answer))
        self._limit_streams(rule)

    @_act.register
    def _(self, rule: Drop, decided: _Decided) -> None:
        self._account_unanswered(decided.answer, rule.accepted)
        self._drop(rule)

    @_act.register
    def _(self, rule: StopReading, decided: _Decided) -> None:
        self._reply(decided.head, self._accounted(decided.answer))
        self._stop_reading(rule)

    def _begin_with(self, rule: RequestRule) -> None:
        """Do what a rule wants as soon as the connection is up."""
        if isinstance(rule, GoAway):
            self._go_away(rule)
        elif isinstance(rule, LimitStreams):
            self._limit_streams(rule)
        elif isinstance(rule, Drop):
            self._drop(rule)
        else:
            assert isinstance(rule, StopReading)
            self._stop_reading(rule)

    def _go_away(self, rule: GoAway) -> None:
        debug = rule.debug
        if rule.reason is not None:
            debug = msgspec.json.encode({"reason": rule.reason})
        last = self._highest if rule.last_stream is None else rule.last_stream
        self._last = min(self._last, last)
        self.log.info("HTTP/2 connection {number} goes away after stream {last}, as scripted",
                      number=self.number, last=self._last)  # fmt: skip
        self._codec.go_away(self._last, rule.code, debug)

    def _limit_streams(self, rule: LimitStreams) -> None:
        self._raised = True
        self._codec.limit_streams(rule.streams)

    def _drop(self, rule: Drop) -> None:
        self._flush()
        self._end(FaultPlan(delay=rule.delay, end=rule.end))

    def _stop_reading(self, rule: StopReading) -> None:
        self._reading.hold(_SCRIPTED)
        self._later(rule.duration, partial(self._reading.release, _SCRIPTED))

    # the accounts

    def _accounted(self, answer: ProviderAnswer) -> ProviderAnswer:
        """The answer, after what it accepts or refuses is entered."""
        if answer.accept is not None:
            answer.accept()
        elif answer.counts:
            self._count_refused(answer)
        return answer

    def _count_refused(self, answer: ProviderAnswer) -> None:
        received = self._service.received
        received.rejected[answer.status] += 1
        received.reasons[answer.reason] += 1

    def _account_unanswered(self, answer: ProviderAnswer, accepted: bool) -> None:
        """Enter what gets no answer."""
        if accepted and answer.accept is not None:
            answer.accept()
        elif answer.counts:
            self._service.received.discarded += 1

    def _scripted(self, rule: Answer, answer: ProviderAnswer) -> ProviderAnswer:
        """The answer that a rule wants."""
        timestamp = rule.timestamp
        if timestamp is None and rule.status == 410:
            timestamp = int(self._service.wall() * 1000)
        headers = answer.headers if rule.status < 300 else ()
        return ProviderAnswer(
            status=rule.status, reason=rule.words, timestamp=timestamp, headers=headers, counts=answer.counts
        )

    # what goes

    def _reply(self, head: RequestHead, answer: ProviderAnswer, body: str | None = None) -> None:
        """Send an answer: HEADERS alone, or with one DATA."""
        content = answer.content() if body is None else body.encode()
        headers = self._ids(head, answer)
        if answer.reason:
            headers += (JSON,)
        self._codec.send_head(head.stream, answer.status, headers + answer.headers, not content)
        if content:
            self._unsent[head.stream] = content
            self._send_unsent()
        if self._credential.proven and not self._raised and answer.status != 403:
            self._raised = True
            self._codec.limit_streams(self._service.streams)

    def _ids(self, head: RequestHead, answer: ProviderAnswer) -> tuple[Header, ...]:
        """The headers that say which request is answered, unless the answer has them."""
        name = b"apns-request-id" if head.target.startswith((b"/1/", b"/4/")) else b"apns-id"
        found = next((value for each, value in head.headers if each == name), None)
        ids: tuple[Header, ...] = ()
        if not any(each[0] == name for each in answer.headers):
            ids = ((name, found or new_id()),)
        if self._service.shows_unique_id and answer.status == 200 and name == b"apns-id":
            ids += ((b"apns-unique-id", new_id().lower()),)
        return ids

    def _send_unsent(self) -> None:
        """Send the bodies for which the provider has room; each goes in one piece."""
        for stream, content in tuple(self._unsent.items()):
            if self._codec.room(stream) >= len(content):
                del self._unsent[stream]
                self._codec.send_data(stream, content, True)

    def _later(self, seconds: float, call: Callable[[], Any]) -> None:
        """Do something after a time, at once when that is 0."""
        if not seconds:
            call()
            return

        def act() -> None:
            self._timers.discard(timer)
            if not self._ended:
                call()
                self._settle()

        timer = self._clock.callLater(seconds, act)
        self._timers.add(timer)

    def _settle(self) -> None:
        """Write what is to be written, and close what is finished."""
        self._flush()
        if self._codec.finished:
            self._end(FaultPlan())

    def _flush(self) -> None:
        if data := self._codec.output():
            self.transport.write(data)

    def _end(self, plan: FaultPlan) -> None:
        """Read no more requests, and close."""
        self._flush()
        self._ended = True
        self.transport.unregisterProducer()
        self._closing.begin(plan)
