"""One request: the pump between twisted.web's protocols and the reader of its body."""

from collections.abc import Callable, Coroutine
from enum import Enum, IntEnum
from typing import Any, Final, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionAborted
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http

from pushgate.inputs.common.session import Session
from pushgate.inputs.http.services import BodyReader, HTTPServices
from pushgate.model.errors import Internal, Invalid, PushgateError, Refusal
from pushgate.net.http.responses import Header, HTTPFault, HTTPResponse, error_answer
from pushgate.net.read_pause import ReadPause

LINGER: Final = 5.0
"""Seconds for an unwanted body to end, and for the peer of a closing connection to take its last answer."""
RATE: Final = 1024
"""Bytes of a body for which it gets a second more."""
BRIEF: Final = 1 << 16
"""Bytes of an unwanted body that are worth reading, so as to keep the connection."""
_CLOSE: Final = (b"Connection", b"close")


class HTTPRequestOwner(Protocol):
    """The connection of a request."""

    server: HTTPServices
    read_pause: ReadPause
    session: Session
    transport: Any

    def head_received(self) -> None:
        """The head of a request is complete, in HTTP/1.1."""

    def ending(self, request: "HTTPRequest") -> None:
        """A request is over; in HTTP/1.1 the next one may begin after this."""

    def ended(self) -> None:
        """The answer to a request is complete."""

    def fed(self, app: str) -> None:
        """Note that something was submitted to an app from here."""

    def abortConnection(self) -> None:
        """Close at once."""


class BodyState(Enum):
    """How much of a request there is."""

    UNREAD = "unread"
    """Its head may be complete; what reads its body is not found yet."""
    READ = "read"
    """Its body is coming."""
    COMPLETE = "complete"


class AnswerState(IntEnum):
    """How much of the answer was given, ascending."""

    NONE = 0
    BEGUN = 1
    COMPLETE = 2
    """All was written; the body may still be coming."""
    FINISHED = 3
    """twisted.web has finished the request."""


class HTTPRequest(http.Request):
    """A request that is routed when its head is complete, and can be answered before its body is.

    twisted.web calls its resources once the whole body was received and kept, of any size. Here the route is
    found first; it makes the reader of the body, and can refuse the body before it comes.

    An answer may come at any time. The request is finished when its body is complete too, because neither of
    twisted.web's protocols survives an earlier end; an unwanted body has `LINGER` seconds for that.

    :ivar connection: the one it came on.
    :ivar parameters: of path and query, by name.
    :ivar session: the caller's.
    :ivar gone: the peer is, and gets nothing more.
    :ivar on_end: called when the request is over, answered or not.
    """

    _log = Logger()

    def __init__(self, channel: Any, connection: HTTPRequestOwner) -> None:
        super().__init__(channel, False)
        self.connection = connection
        self.http1 = isinstance(channel, http.HTTPChannel)
        self.parameters: dict[str, str] = {}
        self.session: Session
        self.gone = False
        self.on_end: Callable[[], None] | None = None
        self.length: int | None = 0
        self._reader: BodyReader | None = None
        self._body, self._answer = BodyState.UNREAD, AnswerState.NONE
        self._due = None if self.http1 else self.now() + connection.server.config.body_timeout

    # called by twisted.web

    def gotLength(self, length: int | None) -> None:
        """The head is complete, in HTTP/1.1. In HTTP/2 more of it may follow."""
        self.length = length
        if self.http1:
            self.connection.head_received()
            if length != 0:
                self._due = self.now() + self.connection.server.config.body_timeout
                self._start_reader(*_request_line(self.channel, self.http1))

    def handleContentChunk(self, data: bytes) -> None:
        if self._body is BodyState.UNREAD:
            self._start_reader(*_request_line(self.channel, self.http1))
        if self._due is not None and self._answer < AnswerState.COMPLETE:
            self._due += len(data) / RATE
        if self._reader is not None:
            self._try(self._reader.feed, data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The body is complete, or there is none."""
        unread = self._body is BodyState.UNREAD
        self._body, self._due = BodyState.COMPLETE, None
        if unread:
            self._start_reader(command, path, version)
        if self._reader is not None and self._answer < AnswerState.COMPLETE:
            self._try(self._reader.end)
        if self._answer is AnswerState.COMPLETE:
            self._finish()

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # untyped in Twisted
        self.gone = True
        self._over()
        self.connection.ending(self)
        self.connection.ended()

    # called by the connection

    def sweep(self, now: float, held: float) -> None:
        """End what took too long.

        :param held: seconds since the last sweep in which the peer was not read.
        """
        if self._due is None:
            return
        self._due += held
        if now < self._due:
            return
        if self._answer >= AnswerState.BEGUN:
            self.abort()
        else:
            self.connection.server.count_closed("slow")
            self.refuse(HTTPFault(408, "body: it comes too slowly", _CLOSE))

    # called by the reader of the body and by the handlers

    def now(self) -> float:
        """Monotonic seconds."""
        return self.connection.server.clock.seconds()

    def header(self, name: bytes) -> str | None:
        """A header that may be there once.

        :raises Invalid: it is there more than once, or not in ASCII.
        """
        values = self.requestHeaders.getRawHeaders(name)
        if values is None:
            return None
        if len(values) != 1 or not values[0].isascii():
            raise Invalid(name.decode(), f"{len(values)} of it, or not ASCII", "one header in ASCII")
        return values[0].decode()

    def answer(self, answer: HTTPResponse) -> None:
        """Answer with a whole response."""
        if self._answer >= AnswerState.BEGUN or self.gone:
            return
        length = (b"Content-Length", b"%d" % len(answer.body))
        headers = (length, *answer.headers)
        if self._body is not BodyState.COMPLETE and self._is_long():
            headers = (*headers, _CLOSE)
        self.begin(answer.status, answer.content_type, *headers)
        self.send(answer.body)
        self.end()

    def fail(self, failure: Failure) -> None:
        """Answer with an error, logged if it is a bug; cut short an answer that was begun."""
        error = failure.value
        if self.gone and isinstance(error, CancelledError):
            return
        if not isinstance(error, Refusal | HTTPFault | Internal):
            self._log.failure("a bug while answering over HTTP", failure)
            error = Internal()
        self.refuse(error)

    def refuse(self, error: PushgateError) -> None:
        """Answer with an error; cut short an answer that was begun."""
        if self._answer is AnswerState.NONE:
            self.answer(error_answer(error))
        elif self._answer is AnswerState.BEGUN:
            self.abort()

    def run(self, coroutine: Coroutine[Any, Any, HTTPResponse]) -> None:
        """Answer with what a coroutine returns or raises."""
        running: Deferred[HTTPResponse] = Deferred.fromCoroutine(coroutine)
        running.addCallback(self.answer).addErrback(self.fail)

    def begin(self, status: int, content_type: bytes, *headers: Header) -> None:
        """Begin an answer of any length; `send` goes on, `end` ends it."""
        self._answer = AnswerState.BEGUN
        self.setResponseCode(status)
        server = self.connection.server
        if server.stopping:
            headers = (*headers, _CLOSE)
        set_header = self.responseHeaders.setRawHeaders
        for name, value in (
            (b"Content-Type", content_type),
            (b"Date", server.date()),
            (b"Cache-Control", b"no-store"),
            *headers,
        ):
            if (name, value) != _CLOSE:
                set_header(name, [value])
            elif self.http1:  # HTTP/2 knows no such header
                self._close_after()
                set_header(name, [value])
        self.requestHeaders.removeHeader(b"expect")  # too late for twisted.web to answer 100
        self.send(b"")

    def send(self, data: bytes) -> None:
        """Go on with an answer."""
        self.write(data)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def end(self) -> None:
        """The answer is complete."""
        if self.gone or self._answer >= AnswerState.COMPLETE:
            return
        self._answer = AnswerState.COMPLETE
        if self._body is BodyState.COMPLETE:
            self._finish()
            return
        self._drop_reader()
        self._due = self.now() + LINGER
        if self.http1 and self._is_long():
            self._close_after()

    def abort(self) -> None:
        """End the request without an answer, in HTTP/1.1 together with its connection."""
        if self.gone or self._answer is AnswerState.FINISHED:
            return
        self._answer = AnswerState.COMPLETE
        if self.http1:
            self.connection.abortConnection()
        else:
            self.channel.abortConnection()  # type: ignore[attr-defined]  # it is an HTTP/2 stream
            self.connectionLost(Failure(ConnectionAborted()))

    # within

    def _start_reader(self, method: bytes, uri: bytes, version: bytes) -> None:
        """Make the reader of the body: the head is complete."""
        if self._body is BodyState.UNREAD:
            self._body = BodyState.READ
        self.method, self.uri, self.clientproto = method, uri, version
        self._try(self._find_reader)

    def _find_reader(self) -> None:
        self._reader = self.connection.server.reader(self)

    def _try(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        except Exception:  # noqa: BLE001 - every error becomes an answer
            self.fail(Failure())

    def _is_long(self) -> bool:
        """Return True if the body is too long to be read to its end, or will not come."""
        expects = self.requestHeaders.hasHeader(b"expect")
        return expects or self.length is None or self.length > BRIEF

    def _close_after(self) -> None:
        self.channel.persistent = False

    def _finish(self) -> None:
        if self._answer is AnswerState.FINISHED or self.gone:
            return
        self._answer = AnswerState.FINISHED
        self._over()
        # In this order: `finish` may begin with the next request of the connection.
        self.connection.ending(self)
        self.finish()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self.connection.ended()

    def _over(self) -> None:
        self._due = None
        self._drop_reader()
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end()

    def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _request_line(channel: Any, http1: bool) -> tuple[bytes, bytes, bytes]:
    """Method, target and version of a request whose body is still to come.

    twisted.web passes them on when the body is complete; until then an HTTP/1.1 channel keeps them in private
    attributes.
    """
    if http1:
        return channel._command, channel._path, channel._version
    return channel.command, channel.path, b"HTTP/2"
