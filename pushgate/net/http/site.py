"""A small HTTP port for a few short requests, bounded in memory and connections."""

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory

from pushgate.net.http.body_readers import WholeBody
from pushgate.net.http.bounds import HTTPBounds
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.codec import Header
from pushgate.net.http.connection import HTTPConnection
from pushgate.net.http.date_header import DateHeader
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.request import ServerRequest
from pushgate.net.http.responses import HTTPResponse
from pushgate.net.http.sweeper import Sweeper


class HTTPSite(Factory):
    """Answers with what `handle` returns or raises: it is given the request and its body.

    :param max_body: bytes of a body; a longer one is answered 413 before it is read.
    :param max_connections: more than so many at a time are closed at once.
    :param guard: refuses what a browser was made to send.
    :param wall: returns Unix seconds.
    """

    noisy = False

    def __init__(
        self,
        handle: Callable[[ServerRequest, bytes], HTTPResponse],
        clock: IReactorTime,
        *,
        max_body: int = 0,
        max_connections: int = 100,
        bounds: HTTPBounds | None = None,
        guard: BrowserGuard | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._handle, self.clock, self._guard = handle, clock, guard or BrowserGuard()
        self.bounds = bounds or HTTPBounds()
        self._max_body, self._limit = max_body, max_connections
        self.stopping, self.unsent = False, 0
        self._connections: set[Any] = set()
        self._date = DateHeader(clock, wall)
        self._sweeper = Sweeper(clock, lambda: self._connections)

    def buildProtocol(self, addr: IAddress | None) -> HTTPConnection | None:
        """A connection, or None when there are too many."""
        return None if len(self._connections) >= self._limit else HTTPConnection(self)

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            connection.close()

    def stopFactory(self) -> None:
        """Called when the port listens no more."""
        self._sweeper.stop()

    # called by the connections; see `HTTPOwner`

    def find_reader(self, request: ServerRequest) -> BodyReader:
        self._guard.check(request)

        def answer(request: ServerRequest, body: bytes) -> None:
            request.answer(self._handle(request, body))

        return WholeBody(request, answer, self._max_body)

    def common_headers(self) -> tuple[Header, ...]:
        return ((b"date", self._date()), (b"cache-control", b"no-store"))

    def count_closed(self, reason: str) -> None:
        """Nothing counts them."""

    def joined(self, connection: HTTPConnection) -> None:
        self._connections.add(connection)
        self._sweeper.start()

    def left(self, connection: HTTPConnection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._sweeper.stop()

    def finished(self) -> None:
        """Nothing waits for it."""
