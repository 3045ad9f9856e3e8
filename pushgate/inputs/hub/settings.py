"""The hub input's configuration."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pushgate.inputs.common.http_settings import HTTPServerTable
from pushgate.plugin.settings import FilePath, HubName, ServerEndpoint

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


class HubInputTable(HTTPServerTable):
    """The keys of a hub input.

    Callers are known by the rules of the hub whose keys sign their requests, so it needs no principals.

    :param hubs: those it offers, each under its name: ``/{hub}/…``.
    :param public_url: what the addresses in answers begin with, and what signatures may be about, where a
        proxy is in front; None: the host that each request names.
    :param blob_dir: the directory of the containers for jobs; None: one in the state directory.
    :param max_body: bytes of a body.
    :param max_batch: the same of a direct send to many handles, which are in the body.
    :param max_blob: bytes of a file that is put into a container.
    """

    listen: ServerEndpoint = "tcp:7221:interface=127.0.0.1"
    hubs: list[HubName] = Field(min_length=1)
    public_url: Annotated[str, AfterValidator(_base_url)] | None = None
    blob_dir: FilePath | None = None
    max_body: int = Field(default=256 << 10, ge=1)
    max_batch: int = Field(default=2 << 20, ge=1)
    max_blob: int = Field(default=1 << 30, ge=1)

    @property
    def certified(self) -> bool:
        """The rules of its hubs stand in for principals."""
        return True
