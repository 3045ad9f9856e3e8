"""Reaching a gateway's AMP door."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from pushgate.errors import PushgateError

if TYPE_CHECKING:
    from pushgate.client import Client

_PORT: Final = 7215
_SHORT: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
"""HOST, HOST:PORT or :PORT, an IPv6 address in brackets."""

to: Callable[[Any], Any] = click.option(
    "--to",
    metavar="HOST:PORT",
    default=f"127.0.0.1:{_PORT}",
    show_default=True,
    help="The gateway's AMP door; also a Twisted client endpoint such as unix:/run/pushgate.sock or tls:....",
)


class NotReached(PushgateError):
    """There is no gateway where one was looked for."""


def endpoint_text(to: str) -> str:
    """The Twisted client endpoint string of what ``--to`` says: HOST:PORT, or such a string itself."""
    match = _SHORT.fullmatch(to)
    if match is None:
        return to
    host = (match["host"] or "127.0.0.1").strip("[]").replace(":", r"\:")
    return f"tcp:host={host}:port={match['port'] or _PORT}"


async def reach(reactor: Any, to: str, timeout: float = 10.0) -> "Client":
    """A client of the gateway there, once somebody has answered the door.

    A client by itself would go on trying, since gateways are restarted; a person wants to know.

    :param timeout: seconds, here and for each answer of the gateway.
    :raises NotReached: nobody has.
    """
    from twisted.internet.endpoints import clientFromString
    from twisted.internet.protocol import Factory, Protocol

    from pushgate.client import Client

    class Knock(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.loseConnection()

    try:
        endpoint = clientFromString(reactor, endpoint_text(to))
        await endpoint.connect(Factory.forProtocol(Knock)).addTimeout(timeout, reactor)
    except Exception as error:  # each kind of endpoint has errors of its own
        raise NotReached(_why(to, error)) from error
    client = Client(endpoint, reactor, timeout=timeout, patience=timeout)
    client.start()
    return client


def _why(to: str, error: Exception) -> str:
    if isinstance(error, ValueError | TypeError | KeyError):
        return f"--to {to}: no endpoint: {error}; must be HOST:PORT or a Twisted client endpoint"
    return (
        f"no gateway at {to}: {str(error).rstrip('.') or type(error).__name__}\n"
        "Is it running? `make run` or `twistd -n pushgate` starts one; --to says where else to look."
    )
