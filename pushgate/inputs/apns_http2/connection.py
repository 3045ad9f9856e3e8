"""One connection of the APNs HTTP/2 input: the HTTP server's, with what its peer has shown."""

from typing import Any, Final, cast

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from pushgate.inputs.apns_http2.authentication import Credential
from pushgate.inputs.apns_http2.stream import PushStream
from pushgate.inputs.common.backpressure import FullQueues
from pushgate.net.http.codec import Header, HTTP2ServerCodec, ServerCodec
from pushgate.net.http.connection import HTTPConnection
from pushgate.net.http.http2 import lenient_codec
from pushgate.net.http.http2_server import DEFAULT_WINDOW

_SHUTDOWN: Final = b'{"reason":"Shutdown"}'
_IDLE: Final = b'{"reason":"IdleTimeout"}'
_SHUT_WINDOW: Final = "answers find no room"
_USUAL_BODY: Final = 27
"""Bytes of the body of an error: ``{"reason":"BadDeviceToken"}``."""
_MARGIN: Final = 2048
"""Bytes of the peer's window that are left for larger ones."""
CROWDED: Final = "too many requests wait"
QUOTA: Final = "requests wait for the quota"


class PushConnection(HTTPConnection):
    """See `HTTPConnection`.

    :ivar credential: what the peer has shown.
    :ivar too_fast: requests that wait for their principal's quota.
    """

    request_class = PushStream
    credential: Credential
    _full: FullQueues

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.server: Any = server
        self.too_fast = 0
        self._leaving = self._used_up = False
        self._bodies = 0

    def http2_codec(self) -> ServerCodec:
        """A codec for HTTP/2, for odd clients too."""

        def use(codec: ServerCodec) -> None:
            self.codec = codec

        return lenient_codec(self.server.bounds.codec, use)

    def fed(self, app: str) -> None:
        """Note that something was submitted to an app from here."""
        if not self._gone:
            self._full.fed(app)

    def shut(self) -> None:
        """Close when all requests under way are answered: some clients read no answer behind a GOAWAY."""
        self._leaving = True
        if not self.requests:
            self.close()

    # called by requests

    def sent_body(self, size: int) -> None:
        """Note the body of an answer; end the connection before a peer that keeps its window shut is stuck.

        Without a GOAWAY, and after all answers: such a client takes a connection that is closed for one to
        renew, and sends again what it has no answer to.
        """
        self._bodies += size
        room = cast("HTTP2ServerCodec", self.codec).room_of_all
        never_opened = room + self._bodies <= DEFAULT_WINDOW
        if never_opened and room < _MARGIN + _USUAL_BODY * self.under_way:
            self._used_up = self._leaving = True
            self.read_pause.hold(_SHUT_WINDOW)

    def common_headers(self) -> tuple[Header, ...]:
        """Headers of every answer: Apple's has none but those that say something."""
        return ()

    # called by the server

    def close(self, _reason: str = "") -> None:
        self._full.stop()
        if self._can_go_away():
            codec = cast("HTTP2ServerCodec", self.codec)
            codec.go_away(codec.highest, debug=_SHUTDOWN if self.server.stopping else _IDLE)
        if self._used_up and not self._closing:
            self._end()
        super().close()

    # called by the transport

    def makeConnection(self, transport: Any) -> None:
        super().makeConnection(transport)
        self._full = self.server.full_queues(self.read_pause)
        self.credential = self.server.authentication.credential(transport)
        if self.server.crowded:
            self.read_pause.hold(CROWDED)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._full.stop()
        super().connectionLost(reason)

    # within

    def _can_go_away(self) -> bool:
        """Whether a GOAWAY is to be sent, and can be."""
        if not self._chosen or self._closing or self._used_up:
            return False
        return self.codec.multiplexed and not self.codec.finished

    def _settle(self) -> None:
        super()._settle()
        if self._leaving and not self.requests:
            self.close()
