"""One connection of the HTTP input, in either version of HTTP."""

from typing import Final

from priority import TooManyStreamsError  # type: ignore[import-untyped]  # it has no types
from twisted.internet.interfaces import IProtocol
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from pushgate.inputs.common.backpressure import FullQueues
from pushgate.inputs.common.session import Session
from pushgate.inputs.http.request import LINGER, HTTPRequest
from pushgate.inputs.http.services import HTTPServices
from pushgate.net.http.responses import HTTPFault, error_answer
from pushgate.net.read_pause import ReadPause

_UNREAD: Final = "answers not read"
_BARE: Final = b"HTTP/1.1 400 Bad Request\r\n\r\n"
"""The answer of twisted.web to a request that it cannot parse, before it closes."""


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
    """Wraps twisted.web's protocol.

    twisted.web restarts its only timeout at every byte, so that a byte a second keeps a connection open for
    ever; here a request's head, its body and the silence between requests each have a limit. Requests can
    pause reading for reasons of their own, beside twisted.web's, which is that the peer does not read.

    :ivar read_pause: stops reading from the peer.
    :ivar session: the peer's, from its certificate.
    :ivar requests: unfinished ones: one at most in HTTP/1.1, any number in HTTP/2.
    """

    _log = Logger()

    def __init__(self, server: HTTPServices, channel: IProtocol) -> None:
        super().__init__(server, channel)  # type: ignore[arg-type]  # it does what is asked of a WrappingFactory
        self.server = server
        self.read_pause: ReadPause
        self.session: Session
        self._full: FullQueues
        self.requests: set[HTTPRequest] = set()
        self._due: float | None = None
        self._closing = self._in_head = False

    @property
    def under_way(self) -> int:
        """The number of unfinished requests."""
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
        """The answer to a request is complete."""
        if self.server.stopping and not self.requests:
            self.close()
        self.server.finished()

    def fed(self, app: str) -> None:
        """Note that something was submitted to an app from here."""
        self._full.fed(app)

    # called by the server

    def sweep(self, now: float, interval: float) -> None:
        """End what takes too long.

        :param interval: seconds since the last call.
        """
        if self._due is not None and now >= self._due:
            self._too_slow()
        held = self.read_pause.held and not self.read_pause.holds(_UNREAD)
        for request in list(self.requests):
            request.sweep(now, interval if held else 0.0)

    def close(self, reason: str = "") -> None:
        """Send what is written, then close; after `LINGER` seconds anyway.

        :param reason: not logged.
        """
        if not self._closing:
            self.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        self.abortConnection()

    # the transport, as twisted.web's protocol sees it

    def write(self, data: bytes) -> None:
        """Pass data on; the one answer that twisted.web makes itself is replaced by one of ours."""
        if data == _BARE:
            self.server.count_closed("malformed")
            data = _MALFORMED
        self.transport.write(data)  # type: ignore[union-attr]  # it is there

    def loseConnection(self) -> None:
        """Close; the peer has `LINGER` seconds to take the last answer."""
        self._closing = True
        self._full.stop()
        self._due = self.server.now() + LINGER
        super().loseConnection()  # type: ignore[no-untyped-call]  # untyped in Twisted

    def pauseProducing(self) -> None:
        """Called by twisted.web: the peer does not read its answers."""
        self.read_pause.hold(_UNREAD)

    def resumeProducing(self) -> None:
        """Called by twisted.web: the peer reads again."""
        self.read_pause.release(_UNREAD)

    # called by the transport

    def makeConnection(self, transport: object) -> None:
        self.read_pause = ReadPause(transport, lambda: None)  # type: ignore[arg-type]  # every stream can pause
        self._full = self.server.full_queues(self.read_pause)
        self.session = self.server.authenticator.session(transport)
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
        except TooManyStreamsError:  # raised through twisted.web by priorities that a peer may send in HTTP/2
            self._give_up()
        except Exception:  # noqa: BLE001 - the connection would stay, as TLS does not survive it
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
