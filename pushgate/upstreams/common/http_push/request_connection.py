"""A connection for single requests: it is opened for the first, and closed after the last."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.net.http.client_codec import (
    Abandoned,
    Answered,
    Broken,
    ClientCodec,
    ClientEvent,
    GoingAway,
    RequestForm,
    StreamLimit,
    Unprocessed,
)
from pushgate.net.http.codec import Header
from pushgate.upstreams.common import failure_causes

IDLE: Final = 10.0
"""Seconds without a request after which it is closed."""
CLOSE_TIMEOUT: Final = 5.0
"""Seconds for the other side to answer our close."""


class RequestFailed(Exception):
    """A request has no answer.

    :param acted: the service may have acted on it.
    :param again: the service has not looked at it, and may do so on another connection.
    """

    def __init__(self, text: str, *, acted: bool, again: bool = False) -> None:
        super().__init__(text)
        self.acted, self.again = acted, again


class _Asked:
    """A request: waiting, or on its stream."""

    __slots__ = ("answer", "parts", "stream")

    def __init__(self, parts: tuple[RequestForm, bytes, tuple[Header, ...], bytes], answer: Any) -> None:
        self.parts, self.answer = parts, answer
        self.stream: int | None = None


@implementer(IHandshakeListener)
class RequestConnection(protocol.Protocol):
    """Requests wait until it is ready and the service's limit of streams has room.

    :param reactor: provides IReactorTime.
    :param make_codec: makes its codec for what ALPN agreed on, None when it agreed on nothing.
    :ivar secured: see `SecuredConnection`.
    :ivar usable: further requests can be made.
    """

    _codec: ClientCodec

    def __init__(self, reactor: Any, make_codec: Callable[[bytes | None], ClientCodec]) -> None:
        self._reactor, self._make_codec = reactor, make_codec
        self.secured: Deferred[Any] = Deferred()
        self.usable = True
        self._ready = self._closed = self._turned_away = False
        self._limit = 1
        self._fault = ""
        self._waiting: deque[_Asked] = deque()
        self._open: dict[int, _Asked] = {}
        self._timer: IDelayedCall | None = None

    def ask(
        self, form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes
    ) -> Deferred[Answered]:
        """Make a request; fails with `RequestFailed`, also when it is cancelled."""
        answer: Deferred[Answered] = Deferred(lambda _: self._forget(asked))
        asked = _Asked((form, path, unlike, body), answer)
        self._waiting.append(asked)
        self._go_on()
        return answer

    @property
    def unanswered(self) -> int:
        """Requests without an answer."""
        return len(self._waiting) + len(self._open)

    def leave(self) -> None:
        """Take no further request; close when those there are have their answers."""
        self.usable = False
        self._go_on()

    def failed(self, failure: Failure) -> None:
        """It could not be connected."""
        self.usable = False
        self._fail_all(failure_causes.text(failure))

    def abort(self) -> None:
        """Close at once; harmless when it is closed."""
        self.usable = False
        tls = self._tls()
        if tls is not None and not self._closed:
            tls.abortConnection()

    # Twisted's side

    def connectionMade(self) -> None:
        self._tls().setTcpNoDelay(True)

    def handshakeCompleted(self) -> None:
        self._ready = True
        self._codec = self._make_codec(self._tls().negotiatedProtocol)
        self.secured.callback(self)
        self._go_on()

    def dataReceived(self, data: bytes) -> None:
        for event in self._codec.receive(data):
            self._happened(event)
        self._go_on()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.usable, self._closed = False, True
        self._stop_timer()
        if not self._ready:
            if not self.secured.called:
                self.secured.errback(reason)
            return
        self._fail_all(self._fault or failure_causes.text(reason))

    # within

    def _happened(self, event: ClientEvent) -> None:
        if isinstance(event, Answered):
            self._end(event.stream, event)
        elif isinstance(event, Unprocessed):
            self._turn_away()
            self._end(event.stream, RequestFailed("it was not looked at", acted=False, again=True))
        elif isinstance(event, Abandoned):
            self._end(event.stream, RequestFailed("the service broke off its answer", acted=True))
        elif isinstance(event, StreamLimit):
            self._limit = event.streams
        elif isinstance(event, GoingAway):
            self._turn_away()
        elif isinstance(event, Broken):
            self._fault = event.text
            self.abort()

    def _end(self, stream: int, result: Answered | RequestFailed) -> None:
        asked = self._open.pop(stream, None)
        if asked is not None:
            asked.answer.callback(result) if isinstance(result, Answered) else asked.answer.errback(result)

    def _go_on(self) -> None:
        """Write what there is room for; close, or wait for more, when nothing is left to do."""
        self._stop_timer()
        if self._turned_away:
            for asked in _emptied(self._waiting):
                asked.answer.errback(RequestFailed("the connection takes no more", acted=False, again=True))
        if not self._ready or self._closed:
            return
        while self._waiting and len(self._open) < self._limit:
            asked = self._waiting.popleft()
            asked.stream = self._codec.open(*asked.parts)
            self._open[asked.stream] = asked
        self._flush()
        if not self._open and not self._waiting:
            self._timer = self._reactor.callLater(IDLE, self._close) if self.usable else None
            if not self.usable:
                self._close()

    def _close(self) -> None:
        """Close in good order, or at once when the other side does not answer."""
        self.usable = False
        self._codec.close()
        self._flush()
        tls = self._tls()
        tls.loseConnection()
        self._timer = self._reactor.callLater(CLOSE_TIMEOUT, tls.abortConnection)

    def _forget(self, asked: _Asked) -> None:
        """A request was given up. An answer that is missing makes its connection suspect."""
        acted = asked.stream is not None
        if asked.stream is None:
            self._waiting.remove(asked)
        else:
            del self._open[asked.stream]
            self._codec.cancel(asked.stream)
        asked.answer.errback(RequestFailed("there was no answer in time", acted=acted))
        self._turn_away()
        self._go_on()

    def _turn_away(self) -> None:
        """What waits is to be asked for on another connection."""
        self.usable, self._turned_away = False, True

    def _fail_all(self, text: str) -> None:
        waiting, is_open = _emptied(self._waiting), list(self._open.values())
        self._open.clear()
        for asked in waiting:
            asked.answer.errback(RequestFailed(text, acted=False))
        for asked in is_open:
            asked.answer.errback(RequestFailed(text, acted=True))

    def _flush(self) -> None:
        data = self._codec.output()
        if data:
            self._tls().write(data)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _tls(self) -> Any:
        return self.transport


def _emptied(waiting: deque[_Asked]) -> list[_Asked]:
    """What was in a queue, which is empty now."""
    found = list(waiting)
    waiting.clear()
    return found
