"""The address that a server endpoint string listens on, and whether other machines can reach it."""

import os
import socket
from ipaddress import ip_address
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, TCP4ServerEndpoint, serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from pushgate.model.endpoint_parts import endpoint_parts
from pushgate.plugin.settings import ListeningTable

_ANY: Final = {"0.0.0.0", "::"}  # noqa: S104 - the addresses that stand for all


class ListenAddress(msgspec.Struct, frozen=True):
    """An address to listen on.

    :param kind: the word for people: ``"tcp"``, ``"ssl"``, ``"unix"``.
    :param local: only programs of this machine can reach it.
    :param tls: the connection creator that the endpoint string itself asks for: it began with ``ssl:``.
    """

    kind: str
    endpoint: IStreamServerEndpoint
    local: bool
    tls: Any = None


def listen_address(reactor: Any, description: str) -> ListenAddress:
    """Return the address of an endpoint string; nothing is opened yet.

    Whether it is local follows from the endpoint's calls of a reactor, because only each kind of endpoint
    knows the meaning of its string. Of a socket that the process inherited, its own address is read.

    :raises Exception: the string is not valid; each kind of endpoint is a plug-in with errors of its own.
    """
    kind = description.partition(":")[0]
    endpoint = serverFromString(reactor, description)
    if isinstance(endpoint, AdoptedStreamServerEndpoint):
        return ListenAddress(kind, endpoint, _inherited_is_local(endpoint.fileno))
    asked = _Asked()
    failures: list[Failure] = []
    listening: Deferred[IListeningPort] = serverFromString(asked, description).listen(Factory())
    listening.addErrback(failures.append)
    for failure in failures:
        failure.raiseException()
    if asked.tls is not None:
        # Inputs have one TLS, whichever key asks for it.
        endpoint = TCP4ServerEndpoint(reactor, asked.port, asked.backlog, asked.interface)
    return ListenAddress(kind, endpoint, asked.local, asked.tls)


class ListenPlace(msgspec.Struct, frozen=True):
    """What an endpoint string says of its address, as far as its text alone says it.

    :param address: the interface, or the path of a Unix socket.
    :param port: 0 for one of the system's choice, and of a Unix socket.
    """

    kind: str
    address: str
    port: int = 0

    @property
    def local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        return self.kind == "unix" or is_loopback(self.address)

    def clashes(self, other: "ListenPlace") -> bool:
        """Whether not both can be listened on."""
        if "unix" in {self.kind, other.kind}:
            return (self.kind, self.address) == (other.kind, other.address)
        same_family = (":" in self.address) == (":" in other.address)
        overlap = self.address == other.address or not _ANY.isdisjoint({self.address, other.address})
        return bool(self.port) and self.port == other.port and same_family and overlap


def listen_place(description: str) -> ListenPlace | None:
    """Return the address in an endpoint string; None when it is of a kind whose text does not say it."""
    kind, plain, keyed = endpoint_parts(description)
    if kind == "unix" and (path := keyed.get("address", plain[0] if plain else "")):
        return ListenPlace(kind, path)
    port = keyed.get("port", plain[0] if plain else "")
    if kind not in {"tcp", "tcp6", "ssl"} or not port.isdecimal():
        return None
    second = plain[1] if kind == "tcp" and len(plain) > 1 else ""  # of the other kinds it is something else
    interface = keyed.get("interface") or second or ("::" if kind == "tcp6" else "0.0.0.0")  # noqa: S104 - what is meant
    return ListenPlace(kind, "127.0.0.1" if interface == "localhost" else interface, int(port))


def unguarded(
    where: str, key: str, endpoint: str, table: ListeningTable, own_tls: bool, open_to_all: bool
) -> list[str]:
    """Return what an input lacks to listen where other machines can reach it, a line each.

    :param where: the key path of its table.
    :param key: the key path of the endpoint.
    :param own_tls: the endpoint itself has TLS.
    :param open_to_all: there are no principals.
    """
    others, lines = f"other machines can reach {endpoint!r}", []
    if table.certificate is None and not own_tls:
        lines.append(f"{where}.certificate: missing; {others}, so it needs TLS")
    if open_to_all and not table.certified:
        lines.append(f"principals: missing; {others} ({key}), so callers must log in")
    return lines


class _Asked:
    """Stands in for a reactor, and records how an endpoint would listen.

    :ivar local: as in `ListenAddress`; an endpoint that calls none of these methods counts as open to all.
    """

    def __init__(self) -> None:
        self.local = False
        self.port, self.backlog, self.interface = 0, 0, ""
        self.tls: Any = None

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> None:
        self.port, self.backlog, self.interface = port, backlog, interface
        self.local = is_loopback(interface)

    def listenSSL(self, port: int, factory: object, contextFactory: object, **options: Any) -> None:  # noqa: N803 - Twisted's name
        self.tls = contextFactory
        self.listenTCP(port, factory, **options)

    def listenUNIX(self, address: str, factory: object, **options: object) -> None:
        self.local = True


def is_loopback(interface: str) -> bool:
    """Return True if an address to listen on is a loopback address; "" stands for all addresses."""
    try:
        return ip_address(interface).is_loopback
    except ValueError:
        return interface == "localhost"


def _inherited_is_local(descriptor: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as inherited:
            address = inherited.getsockname()
            unix = inherited.family == socket.AF_UNIX
    except OSError:
        return False
    return unix or is_loopback(address[0])
