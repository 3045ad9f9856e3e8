"""One connection with requests that rules are about: bytes to a codec, answers as a service and rules say."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Generic, TypeVar

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
from pushgate.net.read_pause import ReadPause
from pushgate.simulator.connection_close import ConnectionClose
from pushgate.simulator.connection_gate import ConnectionGate, GuardedConnection
from pushgate.simulator.fault_plan import FaultPlan
from pushgate.simulator.request_effects import Decided, RequestEffects, RuledAnswer, RuledService
from pushgate.simulator.request_rules import RequestRule

A = TypeVar("A", bound=RuledAnswer)

_UNREAD: Final = "answers are not read"
_SCRIPTED: Final = "as scripted"
_NO_LAST: Final = 0x7FFFFFFF


class _Request(msgspec.Struct):
    """A request that is not complete."""

    head: RequestHead
    body: bytearray


@implementer(IHandshakeListener, IPushProducer)
class RequestConnection(GuardedConnection, Generic[A]):
    """What connections to the provider API and to the other services have in common.

    :cvar kind: for the log.
    :cvar max_body: bytes of a body that are kept.
    :ivar highest: the highest stream that was decided.
    """

    log = Logger()
    kind = "HTTP/2"
    max_body = 0
    _codec: HTTP2ServerCodec

    def __init__(
        self, service: RuledService[A], clock: IReactorTime, gate: ConnectionGate, number: int
    ) -> None:
        super().__init__(gate, number)
        self._clock = clock
        self._effects: RequestEffects[A] = RequestEffects(service, self)
        self._requests: dict[int, _Request] = {}
        self._open: set[int] = set()
        self._unsent: dict[int, bytes] = {}
        self._timers: set[IDelayedCall] = set()
        self._established = self._ended = False
        self._place = self.highest = 0
        self._last = _NO_LAST

    # what a kind of connection has of its own

    def make_codec(self) -> HTTP2ServerCodec:
        """The codec, once the handshake is done."""
        raise NotImplementedError

    def first_rule(self) -> RequestRule | None:
        """The rule for the connection itself, once it is up."""
        raise NotImplementedError

    def decide(self, head: RequestHead, body: bytes) -> tuple[RequestRule | None, A]:
        """The rule about a complete request, and what the service answers by itself."""
        raise NotImplementedError

    def content(
        self, head: RequestHead, answer: A, body: bytes | None
    ) -> tuple[int, tuple[Header, ...], bytes]:
        """Status, headers and body of an answer.

        :param body: in place of the answer's own.
        """
        raise NotImplementedError

    def answered(self, answer: A) -> None:
        """An answer was sent."""

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
        self._codec = self.make_codec()
        self.log.info("{kind} connection {number} is up", kind=self.kind, number=self.number)
        rule = self.first_rule()
        if rule is not None:
            self._effects.begin(rule)
        if not self._ended:
            self._settle()

    def dataReceived(self, data: bytes) -> None:
        if not self._ended:
            self._take(data)
        if not self._ended:
            self._settle()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._ended = True
        if not self._established:
            self.gate.handshakes_failed += 1
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._closing.cancel()
        self.log.info("{kind} connection {number} is gone: {why}",
                      kind=self.kind, number=self.number, why=reason.getErrorMessage())  # fmt: skip
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

    def _take(self, data: bytes) -> None:
        """Act on what came."""
        for event in self._codec.receive(data):
            self._handle(event)
            if self._ended:
                return

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestHead):
            self._requests[event.stream] = _Request(event, bytearray())
            self._open.add(event.stream)
            self._codec.go_on(event.stream)
        elif isinstance(event, BodyData | RequestEnd):
            self._handle_body(event)
        elif isinstance(event, StreamReset):
            self._requests.pop(event.stream, None)
            self._unsent.pop(event.stream, None)
            self._open.discard(event.stream)
        elif isinstance(event, RoomGrew):
            self._send_unsent()
        elif isinstance(event, Refused):
            self.log.info("{kind} connection {number} is refused: {why}",
                          kind=self.kind, number=self.number, why=event.text)  # fmt: skip
            self.end(FaultPlan())

    def _handle_body(self, event: BodyData | RequestEnd) -> None:
        """More of a request, unless an event of the same read has left it behind."""
        request = self._requests.get(event.stream)
        if request is None:
            return
        if isinstance(event, BodyData):
            request.body += event.data[: self.max_body - len(request.body)]
        else:
            del self._requests[event.stream]
            self._complete(request)

    def _complete(self, request: _Request) -> None:
        """Decide on a request."""
        stream = request.head.stream
        if stream > self._last:  # it was read together with what made us send GOAWAY
            return
        self._place += 1
        rule, answer = self.decide(request.head, bytes(request.body))
        decided = Decided(request.head, answer)
        if rule is None:
            self._effects.answer_as_usual(decided)
        else:
            self._effects.act(rule, decided)
        self.highest = max(self.highest, stream)

    # what the effects of rules use; see `RuledConnection`

    def reply(self, head: RequestHead, answer: A, body: str | None = None) -> None:
        """Send an answer: HEADERS alone, or with one DATA. None is sent on a stream that was reset.

        :param body: in place of the answer's own.
        """
        if head.stream not in self._open:
            return
        self._open.discard(head.stream)
        status, headers, content = self.content(head, answer, None if body is None else body.encode())
        self._codec.send_head(head.stream, status, headers, not content)
        if content:
            self._unsent[head.stream] = content
            self._send_unsent()
        self.answered(answer)

    def reset(self, stream: int, code: int, delay: float) -> None:
        """Send RST_STREAM after so many seconds."""
        self._open.discard(stream)
        self.later(delay, partial(self._codec.reset, stream, code))

    def go_away(self, last: int, code: int, debug: bytes) -> None:
        """Send GOAWAY, and forget what is above the last stream."""
        self._last = min(self._last, last)
        self.log.info("{kind} connection {number} goes away after stream {last}, as scripted",
                      kind=self.kind, number=self.number, last=self._last)  # fmt: skip
        self._codec.go_away(self._last, code, debug)
        for stream in [each for each in self._open if each > self._last]:
            self._handle(StreamReset(stream))

    def limit_streams(self, streams: int) -> None:
        """Announce another number of concurrent streams."""
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
