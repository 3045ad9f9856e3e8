"""Where a server endpoint string listens, and who can reach that."""

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
    """Where to listen.

    :param kind: what people call it: ``"tcp"``, ``"ssl"``, ``"unix"``.
    :param local: only programs of this machine can reach it.
    :param tls: the connection creator that the endpoint string itself asks for: it began with ``ssl:``.
    """

    kind: str
    endpoint: IStreamServerEndpoint
    local: bool
    tls: Any = None


def place(reactor: Any, description: str) -> ListenAddress:
    """What an endpoint string stands for; nothing is opened yet.

    Who can reach it is seen from what the endpoint asks of a reactor, because what the parts of a string mean
    is known to each kind of endpoint only. A socket that the process inherited is looked at itself.

    :raises Exception: it stands for nothing; each kind of endpoint is a plug-in with faults of its own.
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
        # The TLS of doors is one and the same, whichever key asks for it.
        endpoint = TCP4ServerEndpoint(reactor, asked.port, asked.backlog, asked.interface)
    return ListenAddress(kind, endpoint, asked.local, asked.tls)


class _Asked:
    """Looks like a reactor to an endpoint, and keeps what it is asked to do.

    :ivar local: as in `ListenAddress`; what is asked in ways that are not known here counts as open to all.
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
    """Whether an address to listen on is this machine's own; "" stands for all addresses."""
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
