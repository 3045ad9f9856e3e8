"""The HTTP input's configuration."""

from typing import Literal

from pydantic import Field

from pushgate.inputs.common.login_settings import LoginTable
from pushgate.plugin.settings import Duration, ServerEndpoint

OpenPath = Literal["/healthz", "/readyz", "/metrics", "/openapi.json"]
"""A path that may be answered without a login."""


class HTTPTable(LoginTable):
    """The keys of an HTTP input.

    :param max_connections: more than so many at a time are closed at once.
    :param max_body: bytes of a body, unless it is `application/x-ndjson`, which may be endless.
    :param max_bodies: bytes of all bodies that are being read.
    :param idle_timeout: a connection without a request is closed after so long.
    :param header_timeout: how long a request's head may take from its first byte.
    :param body_timeout: how long a body may take; longer by a second for each `RATE` bytes that came.
    :param unread_timeout: how long a peer may take nothing of an answer that waits for it.
    :param host_names: names that `Host` may have where only this machine can connect: a proxy's in front.
    :param max_wait: the longest that `?wait=` waits.
    :param watch_buffer: reports (ranges of notifications with one outcome) that may wait for one watcher.
    :param watch_timeout: how long a watcher may read nothing before it is disconnected.
    :param open_paths: the paths that are answered without a login.
    """

    listen: ServerEndpoint = "tcp:7216:interface=127.0.0.1"
    max_connections: int = Field(default=1000, ge=1)
    max_body: int = Field(default=4 << 20, ge=1)
    max_bodies: int = Field(default=256 << 20, ge=1)
    idle_timeout: Duration = 60.0
    header_timeout: Duration = 10.0
    body_timeout: Duration = 30.0
    unread_timeout: Duration = 60.0
    host_names: list[str] = Field(default_factory=list)
    max_wait: Duration = 60.0
    watch_buffer: int = Field(default=10_000, ge=1)
    watch_timeout: Duration = 30.0
    open_paths: list[OpenPath] = Field(default=["/healthz", "/readyz", "/openapi.json"])
