"""One connection of an input over HTTP whose callers log in: with their session, and back-pressure."""

from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from pushgate.inputs.common.backpressure import FullQueues
from pushgate.inputs.common.session import Session
from pushgate.inputs.common.session_request import SessionRequest
from pushgate.net.http.connection import HTTPConnection


class SessionConnection(HTTPConnection):
    """See `HTTPConnection`.

    :ivar session: the peer's, from its certificate.
    """

    request_class = SessionRequest
    session: Session
    _full: FullQueues

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self._services = server

    def fed(self, app: str) -> None:
        """Note that something was submitted to an app from here."""
        self._full.fed(app)

    def makeConnection(self, transport: Any) -> None:
        super().makeConnection(transport)
        self._full = self._services.full_queues(self.read_pause)
        self.session = self._services.authenticator.session(transport)

    def close(self, _reason: str = "") -> None:
        self._full.stop()
        super().close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._full.stop()
        super().connectionLost(reason)
