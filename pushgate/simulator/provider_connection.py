"""One provider's connection over HTTP/2: bytes to the codec, answers as the service and the rules say."""

from collections.abc import Callable
from functools import partial
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

from pushgate.net.finish_close import finish_close
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
from pushgate.simulator.request_effects import Decided, RequestEffects
from pushgate.simulator.request_rules import Pass

_UNREAD: Final = "answers are not read"
_SCRIPTED: Final = "as scripted"
_NO_LAST: Final = 0x7FFFFFFF


class _Request(msgspec.Struct):
    """A request that is not complete."""

    head: RequestHead
    body: bytearray


@implementer(IHandshakeListener, IPushProducer)
class ProviderConnection(GuardedConnection):
    """See the module.

    :ivar highest: the highest stream that was decided.
    """

    log = Logger()
    _codec: HTTP2ServerCodec

    def __init__(
        self, service: ProviderService, clock: IReactorTime, gate: ConnectionGate, number: int
    ) -> None:
        super().__init__(gate, number)
        self._service, self._clock = service, clock
        self._effects = RequestEffects(service, self)
        self._requests: dict[int, _Request] = {}
        self._open: set[int] = set()
        self._unsent: dict[int, bytes] = {}
        self._timers: set[IDelayedCall] = set()
        self._established = self._ended = self._raised = False
        self._place = self.highest = 0
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
            self._effects.begin(rule)
        if not self._ended:
            self._settle()

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
        if not finish_close(self.transport):
            self._reading.release(_UNREAD)

    def stopProducing(self) -> None:
        """Called by the transport when it is lost; `connectionLost` does the work."""

    # what comes

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestHead):
            self._requests[event.stream] = _Request(event, bytearray())
            self._open.add(event.stream)
        elif isinstance(event, BodyData | RequestEnd):
            self._handle_body(event)
        elif isinstance(event, StreamReset):
            self._requests.pop(event.stream, None)
            self._unsent.pop(event.stream, None)
            self._open.discard(event.stream)
        elif isinstance(event, RoomGrew):
            self._send_unsent()
        elif isinstance(event, Refused):
            self.log.info("HTTP/2 connection {number} is refused: {why}", number=self.number, why=event.text)
            self.end(FaultPlan())

    def _handle_body(self, event: BodyData | RequestEnd) -> None:
        """More of a request, unless an event of the same read has left it behind."""
        request = self._requests.get(event.stream)
        if request is None:
            return
        if isinstance(event, BodyData):
            request.body += event.data[: MAX_BODY - len(request.body)]
        else:
            del self._requests[event.stream]
            self._complete(request)

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
        decided = Decided(request.head, answer)
        if rule is None:
            self._effects.answer_as_usual(decided)
        else:
            self._effects.act(rule, decided)
        self.highest = max(self.highest, stream)

    # what the effects of rules use; see `RuledConnection`

    def reply(self, head: RequestHead, answer: ProviderAnswer, body: str | None = None) -> None:
        """Send an answer: HEADERS alone, or with one DATA. None is sent on a stream that was reset.

        :param body: in place of the answer's own.
        """
        if head.stream not in self._open:
            return
        self._open.discard(head.stream)
        content = answer.content() if body is None else body.encode()
        headers = self._ids(head, answer)
        if answer.reason:
            headers += (JSON,)
        self._codec.send_head(head.stream, answer.status, headers + answer.headers, not content)
        if content:
            self._unsent[head.stream] = content
            self._send_unsent()
        if self._credential.proven and not self._raised and answer.status != 403:
            self.limit_streams(self._service.streams)

    def reset(self, stream: int, code: int, delay: float) -> None:
        """Send RST_STREAM after so many seconds."""
        self._open.discard(stream)
        self.later(delay, partial(self._codec.reset, stream, code))

    def go_away(self, last: int, code: int, debug: bytes) -> None:
        """Send GOAWAY, and forget what is above the last stream."""
        self._last = min(self._last, last)
        self.log.info("HTTP/2 connection {number} goes away after stream {last}, as scripted",
                      number=self.number, last=self._last)  # fmt: skip
        self._codec.go_away(self._last, code, debug)
        for stream in [each for each in self._open if each > self._last]:
            self._handle(StreamReset(stream))

    def limit_streams(self, streams: int) -> None:
        """Announce another number of concurrent streams. It is then not raised by itself."""
        self._raised = True
        self._codec.limit_streams(streams)

    def end(self, plan: FaultPlan) -> None:
        """Read no more requests, and close. What was answered goes out first."""
        self._flush()
        self._ended = True
        self.transport.unregisterProducer()
        self._closing.begin(plan)

    def stop_reading(self, seconds: float) -> None:
        """Read nothing for a time."""
        self._reading.hold(_SCRIPTED)
        self.later(seconds, partial(self._reading.release, _SCRIPTED))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, after what was answered."""
        self._flush()
        self.transport.write(data)

    def later(self, seconds: float, call: Callable[[], Any]) -> None:
        """Do something after a time, at once when that is 0, and not when the connection has ended."""
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

    # what goes

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

    def _settle(self) -> None:
        """Write what is to be written, and close what is finished."""
        self._flush()
        if self._codec.finished:
            self.end(FaultPlan())

    def _flush(self) -> None:
        if data := self._codec.output():
            self.transport.write(data)
