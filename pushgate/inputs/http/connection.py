"""One connection of the HTTP door, whatever version of HTTP it speaks."""

from typing import Final

from priority import TooManyStreamsError  # type: ignore[import-untyped]  # it has no types
from twisted.internet.interfaces import IProtocol
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from pushgate.inputs.common.backpressure import FullQueues
from pushgate.inputs.common.session import Session
from pushgate.inputs.http.request import LINGER, HTTPRequest, HTTPServices
from pushgate.net.http.responses import HTTPFault, error_answer
from pushgate.net.read_pause import ReadPause

_UNREAD: Final = "answers not read"
_BARE: Final = b"HTTP/1.1 400 Bad Request\r\n\r\n"
"""What twisted.web answers when it cannot make out a request, before it closes."""


def _malformed() -> bytes:
    body = error_answer(HTTPFault(400, "request: not HTTP")).body
    return b"".join(
        (
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n",
            b"Content-Length: %d\r\n\r\n" % len(body),
            body,
        )
    )


_MALFORMED: Final = _malformed()


class HTTPConnection(ProtocolWrapper):
    """Stands between the transport and twisted.web's protocol.

    twisted.web restarts its only timeout at every byte, so that a byte a second keeps a connection open for
    ever; here a request's head and body have their time, and so has the silence between requests. And it
    gives the requests a brake beside the one with which twisted.web holds back who does not read.

    :ivar brake: stops reading from the peer.
    :ivar visitor: who is at the other end, as far as the connection itself tells.
    :ivar requests: those that are not finished: one at most in HTTP/1.1, any number in HTTP/2.
    """

    _log = Logger()

    def __init__(self, server: HTTPServices, channel: IProtocol) -> None:
        super().__init__(server, channel)  # type: ignore[arg-type]  # it does what is asked of a WrappingFactory
        self.server = server
        self.brake: ReadPause
        self.visitor: Session
        self._full: FullQueues
        self.requests: set[HTTPRequest] = set()
        self._due: float | None = None
        self._closing = self._in_head = False

    @property
    def under_way(self) -> int:
        """How many requests are not finished."""
        return len(self.requests)

    def request(self, channel: object, queued: object = None) -> HTTPRequest:
        """A new request; called by twisted.web."""
        request = HTTPRequest(channel, self)
        self.requests.add(request)
        if not request.http1:  # else its head is not complete yet
            self._due = None
        return request

    # called by requests

    def head_received(self) -> None:
        """The head of a request is complete, in HTTP/1.1."""
        self._due, self._in_head = None, False

    def ending(self, request: HTTPRequest) -> None:
        """A request is over; in HTTP/1.1 the next one may begin after this."""
        self.requests.discard(request)
        if not self.requests and not self._closing:
            self._due = self.server.now() + self.server.config.idle_timeout

    def ended(self) -> None:
        """What was to be said about a request has been said."""
        if self.server.stopping and not self.requests:
            self.close()
        self.server.finished()

    def fed(self, app: str) -> None:
        """Note that something was submitted to an app from here."""
        self._full.fed(app)

    # called by the server

    def sweep(self, now: float, interval: float) -> None:
        """End what took too long.

        :param interval: seconds since the last call.
        """
        if self._due is not None and now >= self._due:
            self._too_slow()
        held = self.brake.held and not self.brake.holds(_UNREAD)
        for request in list(self.requests):
            request.sweep(now, interval if held else 0.0)

    def close(self, reason: str = "") -> None:
        """Send what is written, then close; after `LINGER` seconds anyway.

        :param reason: of no interest to whoever reads the log.
        """
        if not self._closing:
            self.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        self.abortConnection()

    # the transport, as twisted.web's protocol sees it

    def write(self, data: bytes) -> None:
        """Pass data on; the one answer that twisted.web gives by itself is made to be like ours."""
        if data == _BARE:
            self.server.count_closed("malformed")
            data = _MALFORMED
        self.transport.write(data)  # type: ignore[union-attr]  # it is there

    def loseConnection(self) -> None:
        """Close; who does not take the last answer has `LINGER` seconds to do so."""
        self._closing = True
        self._full.stop()
        self._due = self.server.now() + LINGER
        super().loseConnection()  # type: ignore[no-untyped-call]  # untyped in Twisted

    def pauseProducing(self) -> None:
        """Called by twisted.web: the peer does not read its answers."""
        self.brake.hold(_UNREAD)

    def resumeProducing(self) -> None:
        """Called by twisted.web: it does again."""
        self.brake.release(_UNREAD)

    # called by the transport

    def makeConnection(self, transport: object) -> None:
        self.brake = ReadPause(transport, lambda: None)  # type: ignore[arg-type]  # every stream can pause
        self._full = self.server.full_queues(self.brake)
        self.visitor = self.server.porter.visitor(transport)
        self._due = self.server.now() + self.server.config.idle_timeout
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            return
        if not (
            self.requests or self._in_head or getattr(self.transport, "negotiatedProtocol", None) == b"h2"
        ):
            self._in_head = True
            self._due = self.server.now() + self.server.config.header_timeout
        try:
            super().dataReceived(data)  # type: ignore[no-untyped-call]  # untyped in Twisted
        except TooManyStreamsError:  # twisted.web minds not all that a peer may say of HTTP/2's priorities
            self._give_up()
        except Exception:  # noqa: BLE001 - it would keep its place, because TLS does not survive it
            self._log.failure("a bug while reading HTTP")
            self._give_up()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # no default here, as in Twisted
        self._due, self._closing = None, True
        self._full.stop()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # untyped in Twisted
        self.server.finished()

    def _give_up(self) -> None:
        self._closing = True
        self.server.count_closed("malformed")
        self.abortConnection()

    def _too_slow(self) -> None:
        if self._closing:
            self._due = None
            self.transport.abortConnection()  # type: ignore[union-attr]  # TCP, TLS and UNIX transports have it
        else:
            if self._in_head:
                self.server.count_closed("slow")
            self.close()
