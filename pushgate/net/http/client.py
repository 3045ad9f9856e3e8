"""An HTTP/1.1 client for one server: one connection, which is kept, and a bound on all that is answered.

It is the webhook sink's: of an answer the head counts; its body is read for the sake of using the connection
again, and thrown away. Upstreams, which want bodies and HTTP/2 too, have `client_codec`.
"""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import h11
import msgspec
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from pushgate.model.errors import PushgateError
from pushgate.net.connecting import Once, connected

MAX_ANSWER: Final = 65536
"""Bytes that a server may say to one request: heads, interim answers, trailers and body together."""
BODY_PATIENCE: Final = 5.0
"""Seconds the body of an answer has after its head came."""
IDLE: Final = 60.0
"""Seconds a connection without a request is kept."""

Headers = Iterable[tuple[str, str]]


class BadAnswer(PushgateError):
    """What the server said is no answer, or there is no end to it."""


class HTTPAnswer(msgspec.Struct, frozen=True):
    """The head of a final answer.

    :param headers: the first value of each, by its name in small letters.
    """

    status: int
    headers: Mapping[str, str]


class HTTPClient:
    """Sends one request at a time.

    A server may close a kept connection at any moment, also while a request is on its way to it. A request
    that meets such an end, before a byte of an answer, is sent once more on a new connection.

    :param endpoint: connects to the server, TLS included.
    :param host: the value of the header of this name.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, host: str, clock: IReactorTime) -> None:
        self._endpoint, self._host, self._clock = endpoint, host, clock
        self._kept: HTTPClientConnection | None = None

    async def request(self, method: str, target: str, headers: Headers, body: bytes) -> HTTPAnswer:
        """Send a request; return the head of its answer once its body has come, or has had its time.

        Cancelled after the head came, it returns too.

        :raises BadAnswer: it cannot be read, or is longer than `MAX_ANSWER` before its head ends.
        :raises CancelledError: it was cancelled, and the connection with it.
        :raises Exception: the endpoint's and the transport's reasons for the end of a connection.
        """
        fields = [("Host", self._host), ("Content-Length", str(len(body))), *headers]
        request = h11.Request(method=method, target=target, headers=fields)
        kept = self._kept
        if kept is not None and kept.usable:
            try:
                return await kept.ask(request, body)
            except CancelledError:
                raise
            except Exception:
                if kept.heard:
                    raise
        fresh: HTTPClientConnection = await connected(self._endpoint, Once(HTTPClientConnection(self._clock)))
        self._kept = fresh
        return await fresh.ask(request, body)

    def close(self) -> Deferred[None]:
        """Close the connection that is kept; fires when it is closed."""
        kept, self._kept = self._kept, None
        return succeed(None) if kept is None else kept.abort()


class HTTPClientConnection(Protocol):
    """One connection, which serves one request after the other.

    :ivar heard: bytes that came since the last request was sent.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_ANSWER)
        self._asked: Deferred[HTTPAnswer] | None = None
        self._head: HTTPAnswer | None = None
        self._timer: IDelayedCall | None = None
        self._closed: Deferred[None] = Deferred()
        self._broken = False
        self.heard = 0

    @property
    def usable(self) -> bool:
        """Whether another request may be sent on it."""
        return not self._broken and self._state.our_state is self._state.their_state is h11.IDLE

    def ask(self, request: h11.Request, body: bytes) -> Deferred[HTTPAnswer]:
        """Send a request; fires as `HTTPClient.request` ends. To be called on a usable connection only."""
        self._stop_timer()
        self._head, self.heard = None, 0
        asked: Deferred[HTTPAnswer] = Deferred(lambda _: self._end(CancelledError()))
        self._asked = asked
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        self._transport().write(b"".join(self._state.send(part) or b"" for part in parts))
        return asked

    def abort(self) -> Deferred[None]:
        """Close at once; fires when it is closed. TLS alone would wait for the other side's goodbye."""
        self._broken = True
        self._stop_timer()
        if not self._closed.called:
            self._transport().abortConnection()
        return self._closed

    # Twisted's side

    def connectionMade(self) -> None:
        with contextlib.suppress(AttributeError):  # a Unix socket has none
            self._transport().setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        if self._broken:
            return
        room = MAX_ANSWER - self.heard
        self.heard += len(data)
        if self._asked is None:
            self._end(BadAnswer("an answer to no request"))
            return
        try:
            self._state.receive_data(data[:room])
            self._read()
        except h11.ProtocolError as error:
            self._end(BadAnswer(str(error)))
        else:
            if len(data) > room:
                self._end(BadAnswer(f"an answer of more than {MAX_ANSWER} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._broken = True
        self._stop_timer()
        self._answer(reason)
        self._closed.callback(None)

    # reading

    def _read(self) -> None:
        while (event := self._state.next_event()) is not h11.NEED_DATA and event is not h11.PAUSED:
            if isinstance(event, h11.Response):
                names = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
                self._head = HTTPAnswer(event.status_code, dict(reversed(names)))
                self._timer = self._clock.callLater(BODY_PATIENCE, self._end, BadAnswer("its body stalls"))
            elif isinstance(event, h11.EndOfMessage):
                self._complete()
                return

    def _complete(self) -> None:
        """An answer is complete: keep the connection when both sides may."""
        self._stop_timer()
        unasked, _ = self._state.trailing_data
        if self._state.our_state is self._state.their_state is h11.DONE and not unasked:
            self._state.start_next_cycle()
            self._timer = self._clock.callLater(IDLE, self.abort)
            self._answer(connectionDone)
        else:
            self._end(BadAnswer("its end"))

    def _end(self, error: Exception) -> None:
        """Close; what was asked has its answer if the head came, `error` otherwise."""
        self.abort()
        self._answer(Failure(error))

    def _answer(self, failure: Failure) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.callback(self._head or failure)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _transport(self) -> Any:
        return self.transport
