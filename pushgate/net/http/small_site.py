"""A small HTTP port for a few short requests, bounded in memory and connections."""

from typing import Any, Final

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

REQUEST_TIMEOUT: Final = 60.0
"""Seconds from one complete request to the next; then the connection is closed."""
LINGER: Final = 5.0
"""Seconds for a peer that sent too much to read the refusal."""
_DETAIL: Final = b'{"error": "TOO_LARGE", "detail": "body: longer than this request may have"}\n'
_TOO_LARGE: Final = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_DETAIL), _DETAIL)
)


class _Request(Request):
    """A request whose body is refused as soon as it is too long; twisted.web would put it into a file."""

    channel: Any
    _size = 0

    def gotLength(self, length: int | None) -> None:
        """The head is complete."""
        good = self._check(length or 0)
        super().gotLength(length if good else 0)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body came."""
        self._size += len(data)
        if self._check(self._size):
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def process(self) -> None:
        """The request is complete."""
        self.channel.transport.progress()
        super().process()  # type: ignore[no-untyped-call]  # untyped in Twisted

    def _check(self, size: int) -> bool:
        good: bool = size <= self.channel.site.max_body
        if not good:
            self.channel.transport.refuse()
        return good


class _Site(Site):
    """Twisted's site without its timeouts, which each byte restarts, and without an access log."""

    noisy = False
    requestFactory = _Request

    def __init__(self, resource: IResource, reactor: IReactorTime, max_body: int) -> None:
        super().__init__(resource, timeout=None, reactor=reactor, parsePOSTFormSubmission=False)  # type: ignore[no-untyped-call]  # untyped in Twisted
        self.max_body = max_body

    def log(self, request: HTTPRequest) -> None:
        """Log nothing: scrapes and polls are regular and of no interest."""


class _Connection(ProtocolWrapper):
    """Closes when no request was complete for `REQUEST_TIMEOUT`."""

    factory: "SmallSite"
    _timer: IDelayedCall | None = None
    _refused = False

    def makeConnection(self, transport: Any) -> None:
        self._timer = self.factory.clock.callLater(REQUEST_TIMEOUT, self._over)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def progress(self) -> None:
        """A request is complete."""
        if self._timer is not None:
            self._timer.reset(REQUEST_TIMEOUT)

    def refuse(self) -> None:
        """Answer that the body is too long, and take nothing more."""
        if not self._refused:
            self._refused = True
            self.transport.write(_TOO_LARGE)  # type: ignore[union-attr]  # it is there
            if self._timer is not None:
                self._timer.reset(LINGER)

    def dataReceived(self, data: bytes) -> None:
        if not self._refused:
            super().dataReceived(data)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # no default here, as in Twisted
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def _over(self) -> None:
        self._timer = None
        self.abortConnection()


class SmallSite(WrappingFactory[_Connection]):
    """Answers with a resource of twisted.web.

    :param max_body: bytes of a body; a longer one is answered 413 before it is read.
    :param max_connections: more than so many at a time are closed at once.
    """

    noisy = False
    protocol = _Connection

    def __init__(
        self, resource: IResource, clock: IReactorTime, *, max_body: int = 0, max_connections: int = 100
    ) -> None:
        super().__init__(_Site(resource, clock, max_body))  # type: ignore[no-untyped-call]  # untyped in Twisted
        self.clock, self._limit = clock, max_connections

    def buildProtocol(self, addr: IAddress | None) -> _Connection | None:  # type: ignore[override]  # None closes it
        """A connection, or None when there are too many."""
        return None if len(self.protocols) >= self._limit else super().buildProtocol(addr)

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self.protocols):
            connection.loseConnection()
