"""A request at the HTTP input: who makes it, and what its path and query say."""

from typing import Any

from pushgate.inputs.common.session import Session
from pushgate.net.http.codec import RequestHead
from pushgate.net.http.request import ServerRequest
from pushgate.net.read_pause import ReadPause


class HTTPRequest(ServerRequest):
    """See `ServerRequest`.

    :ivar server: what the connections of the input share: `HTTPServices`.
    :ivar parameters: of path and query, by name.
    :ivar session: the caller's.
    :ivar read_pause: stops reading from the connection.
    """

    def __init__(self, connection: Any, head: RequestHead) -> None:
        super().__init__(connection, head)
        self.server: Any = connection.server
        self.parameters: dict[str, str] = {}
        self.session: Session = connection.session
        self.read_pause: ReadPause = connection.read_pause
        self._fed = connection.fed
        self._transport = connection.transport

    def new_session(self) -> Session:
        """Give the request a session of its own: it has its own login."""
        self.session = self.server.authenticator.session(self._transport)
        return self.session

    def fed(self, app: str) -> None:
        """Note that something was submitted to an app from here."""
        self._fed(app)
