"""The HTTP input's configuration."""

from typing import Literal

from pydantic import Field

from pushgate.inputs.common.http_settings import HTTPServerTable
from pushgate.plugin.settings import Duration, ServerEndpoint

OpenPath = Literal["/healthz", "/readyz", "/metrics", "/openapi.json"]
"""A path that may be answered without a login."""


class HTTPTable(HTTPServerTable):
    """The keys of an HTTP input.

    :param max_body: bytes of a body, unless it is `application/x-ndjson`, which may be endless.
    :param max_wait: the longest that `?wait=` waits.
    :param watch_buffer: reports (ranges of notifications with one outcome) that may wait for one watcher.
    :param watch_timeout: how long a watcher may read nothing before it is disconnected.
    :param open_paths: the paths that are answered without a login.
    :param console: serve the console's pages.
    """

    listen: ServerEndpoint = "tcp:7216:interface=127.0.0.1"
    max_body: int = Field(default=4 << 20, ge=1)
    max_wait: Duration = 60.0
    watch_buffer: int = Field(default=10_000, ge=1)
    watch_timeout: Duration = 30.0
    open_paths: list[OpenPath] = Field(default=["/healthz", "/readyz", "/openapi.json"])
    console: bool = False
