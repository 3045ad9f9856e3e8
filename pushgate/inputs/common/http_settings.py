"""The keys of every input that is an HTTP server of `pushgate.net.http`."""

from pydantic import Field

from pushgate.inputs.common.login_settings import LoginTable
from pushgate.net.http.bounds import HTTPBounds
from pushgate.plugin.settings import Duration


class HTTPServerTable(LoginTable):
    """The limits of an HTTP server.

    :param max_connections: more than so many at a time are closed at once.
    :param max_bodies: bytes of all bodies that are being read.
    :param idle_timeout: a connection without a request is closed after so long.
    :param header_timeout: how long a request's head may take from its first byte.
    :param body_timeout: how long a body may take; longer by a second for each `RATE` bytes that came.
    :param unread_timeout: how long a peer may take nothing of an answer that waits for it.
    :param host_names: names that `Host` may have where only this machine can connect: a proxy's in front.
    """

    max_connections: int = Field(default=1000, ge=1)
    max_bodies: int = Field(default=256 << 20, ge=1)
    idle_timeout: Duration = 60.0
    header_timeout: Duration = 10.0
    body_timeout: Duration = 30.0
    unread_timeout: Duration = 60.0
    host_names: list[str] = Field(default_factory=list)

    def bounds(self) -> HTTPBounds:
        """What its connections allow their peers."""
        return HTTPBounds(
            idle_timeout=self.idle_timeout,
            header_timeout=self.header_timeout,
            body_timeout=self.body_timeout,
            unread_timeout=self.unread_timeout,
        )
