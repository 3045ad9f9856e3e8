"""A request at an input over HTTP whose callers log in: who makes it."""

from typing import Any

from twisted.internet.interfaces import ISSLTransport

from pushgate.inputs.common.session import Session
from pushgate.net.http.codec import RequestHead
from pushgate.net.http.request import ServerRequest
from pushgate.net.read_pause import ReadPause


class SessionRequest(ServerRequest):
    """See `ServerRequest`.

    :ivar server: what the connections of the input share: `HTTPConnections` with an `authenticator`.
    :ivar session: the caller's.
    :ivar read_pause: stops reading from the connection.
    """

    def __init__(self, connection: Any, head: RequestHead) -> None:
        super().__init__(connection, head)
        self.server: Any = connection.server
        self.session: Session = connection.session
        self.read_pause: ReadPause = connection.read_pause
        self._fed = connection.fed
        self._transport = connection.transport

    @property
    def secure(self) -> bool:
        """Whether it came over TLS."""
        return bool(ISSLTransport.providedBy(self._transport))

    def new_session(self) -> Session:
        """Give the request a session of its own: it has its own login."""
        self.session = self.server.authenticator.session(self._transport)
        return self.session

    def fed(self, app: str) -> None:
        """Note that something was submitted to an app from here."""
        self._fed(app)
