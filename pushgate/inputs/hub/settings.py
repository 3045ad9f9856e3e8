"""The hub input's configuration."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pushgate.inputs.common.login_settings import LoginTable
from pushgate.plugin.settings import Duration, FilePath, HubName, ServerEndpoint

_URL_RULE: Final = "must be https://HOST or https://HOST:PORT, with nothing behind it"


def _base_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(_URL_RULE)
    return f"https://{parts.netloc.lower()}"


class HubInputTable(LoginTable):
    """The keys of a hub input.

    Callers are known by the rules of the hub whose keys sign their requests, so it needs no principals.

    :param hubs: those it offers, each under its name: ``/{hub}/…``.
    :param public_url: what the addresses in answers begin with, and what signatures may be about, where a
        proxy is in front; None: the host that each request names.
    :param blob_dir: the directory of the containers for jobs; None: one in the state directory.
    :param max_connections: more than so many at a time are closed at once.
    :param max_body: bytes of a body.
    :param max_batch: the same of a direct send to many handles, which are in the body.
    :param max_bodies: bytes of all bodies that are being read.
    :param max_blob: bytes of a file that is put into a container.
    :param idle_timeout: a connection without a request is closed after so long.
    :param header_timeout: how long a request's head may take from its first byte.
    :param body_timeout: how long a body may take; longer by a second for each `RATE` bytes that came.
    :param unread_timeout: how long a peer may take nothing of an answer that waits for it.
    :param host_names: names that `Host` may have where only this machine can connect: a proxy's in front.
    """

    listen: ServerEndpoint = "tcp:7221:interface=127.0.0.1"
    hubs: list[HubName] = Field(min_length=1)
    public_url: Annotated[str, AfterValidator(_base_url)] | None = None
    blob_dir: FilePath | None = None
    max_connections: int = Field(default=1000, ge=1)
    max_body: int = Field(default=256 << 10, ge=1)
    max_batch: int = Field(default=2 << 20, ge=1)
    max_bodies: int = Field(default=256 << 20, ge=1)
    max_blob: int = Field(default=1 << 30, ge=1)
    idle_timeout: Duration = 60.0
    header_timeout: Duration = 10.0
    body_timeout: Duration = 30.0
    unread_timeout: Duration = 60.0
    host_names: list[str] = Field(default_factory=list)

    @property
    def certified(self) -> bool:
        """The rules of its hubs stand in for principals."""
        return True
