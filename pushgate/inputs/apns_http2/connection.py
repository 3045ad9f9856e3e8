"""One connection of the APNs HTTP/2 input: the HTTP server's, with what its peer has shown."""

from typing import Any, Final, cast

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from pushgate.inputs.apns_http2.authentication import Credential
from pushgate.inputs.apns_http2.stream import PushStream
from pushgate.inputs.common.backpressure import FullQueues
from pushgate.net.http.codec import Header, HTTP2ServerCodec
from pushgate.net.http.connection import HTTPConnection

_SHUTDOWN: Final = b'{"reason":"Shutdown"}'
_IDLE: Final = b'{"reason":"IdleTimeout"}'
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
        self._leaving = False

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

    def common_headers(self) -> tuple[Header, ...]:
        """Headers of every answer: Apple's has none but those that say something."""
        return ()

    # called by the server

    def close(self, _reason: str = "") -> None:
        self._full.stop()
        if self._chosen and not self._closing and self.codec.multiplexed and not self.codec.finished:
            codec = cast("HTTP2ServerCodec", self.codec)
            codec.go_away(codec.highest, debug=_SHUTDOWN if self._leaving else _IDLE)
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

    def _settle(self) -> None:
        super()._settle()
        if self._leaving and not self.requests:
            self.close()
