"""The configuration that every upstream over HTTP has in common."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pushgate.model.host_name import is_host_name
from pushgate.plugin.settings import Duration, FilePath, HostName, Port
from pushgate.upstreams.common.settings import ConnectionPoolTable

MOST_ROUTES: Final = 64
"""Hosts of a push service that an app has connections to at a time. What is for another one waits until one
of them has nothing to do."""


def _https(text: str) -> str:
    rule = "must be an address that begins with https://, without a user and a fragment"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(rule) from None
    plain = text.isascii() and text.isprintable() and not {" ", "#", "@"} & set(text)
    if parts.scheme != "https" or not is_host_name(host) or not plain or port == 0:
        raise ValueError(rule)
    return text


HTTPSAddress = Annotated[str, AfterValidator(_https)]
"""A URL with the scheme https."""


class HTTPPushTable(ConnectionPoolTable):
    """A push service over HTTP.

    :param trust: PEM with the authorities that may vouch for the service; by default the system's.
    :param streams: requests without an answer at most, for each connection; 0: what the service takes.
    :param request_timeout: seconds that an answer may take.
    :param ping_interval: seconds without a request after which the service is asked whether it is there.
    :param retry_delay: seconds before a notification is sent again that the service was in trouble with.
    :param device_delay: the same for one of which its device had too many.
    """

    trust: FilePath | None = None
    host: HostName = ""
    port: Port = 443
    connections: int = Field(default=2, ge=1, le=64)
    spare: int = Field(default=0, ge=0, le=16)
    streams: int = Field(default=0, ge=0)
    request_timeout: Duration = Field(default=30.0, gt=0)
    ping_interval: Duration = Field(default=3600.0, gt=0)
    retry_delay: Duration = Field(default=60.0, gt=0)
    device_delay: Duration = Field(default=60.0, gt=0)


class RoutedTable(HTTPPushTable):
    """A push service with many hosts: a target says which.

    :param host: where every notification goes in place of its target's own host: a simulator.
    :param connections: to each host, at most.
    """

    connections: int = Field(default=4, ge=1, le=64)

    @property
    def most_connections(self) -> int:
        return MOST_ROUTES * self.connections


class SecretTable(HTTPPushTable):
    """A push service whose access tokens are had for an id and a secret.

    :param client_id: as the service gave it.
    :param client_secret_file: holds the secret in one line.
    :param token_url: where access tokens come from.
    """

    client_id: str = Field(min_length=1, max_length=1024)
    client_secret_file: FilePath
    token_url: HTTPSAddress = ""

    def files(self) -> dict[str, Path]:
        return self.given("client_secret_file", "trust")
