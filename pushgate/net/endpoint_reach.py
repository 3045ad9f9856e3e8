"""The address that a server endpoint string listens on, and whether other machines can reach it."""

import os
import socket
from ipaddress import ip_address
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, TCP4ServerEndpoint, serverFromString
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure


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
