"""One request of the console's pages, with all that carries it out."""

from typing import Any

import msgspec
from cryptography.fernet import Fernet

from pushgate.inputs.http.console.live import LiveFeed
from pushgate.inputs.http.console.logins import Logins
from pushgate.inputs.http.console.visitor import Visitor
from pushgate.inputs.http.request import HTTPRequest
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class Parts(msgspec.Struct, frozen=True):
    """What the pages of one input share.

    :param local: only this machine can connect, over TCP.
    :param positions: seals the positions of pages of dead tokens, which are tokens.
    """

    name: str
    gateway: IGateway
    context: Context
    local: bool
    logins: Logins
    live: LiveFeed
    positions: Fernet


class Visit(msgspec.Struct, frozen=True):
    """One request.

    :param body: b"" of one that has none.
    """

    parts: Parts
    request: HTTPRequest
    visitor: Visitor
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        """Of path and query, by name."""
        return self.request.parameters

    @property
    def full(self) -> bool:
        """Whether full tokens are asked for."""
        return self.parameters.get("full") == "true"

    @property
    def hubs(self) -> dict[str, Any]:
        """The hubs there are."""
        return self.parts.context.hubs
