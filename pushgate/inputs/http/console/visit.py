"""A request of the console's pages, and the objects that its handler uses."""

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
    """The objects that all requests at one input share.

    :param local: only this machine can connect, over TCP.
    :param positions: encrypts the positions in lists of dead tokens, which are tokens.
    """

    name: str
    gateway: IGateway
    context: Context
    local: bool
    logins: Logins
    live: LiveFeed
    positions: Fernet


class Visit(msgspec.Struct, frozen=True):
    """A request.

    :param body: its body, or b"".
    """

    parts: Parts
    request: HTTPRequest
    visitor: Visitor
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of path and query, by name."""
        return self.request.parameters

    @property
    def full(self) -> bool:
        """Whether the request asks for full tokens."""
        return self.parameters.get("full") == "true"

    @property
    def hubs(self) -> dict[str, Any]:
        """All hubs, by name."""
        return self.parts.context.hubs
