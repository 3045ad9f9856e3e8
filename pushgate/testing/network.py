"""A reactor for tests: a clock that they move, and TCP that stays in memory."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IConnector,
    IHalfCloseableProtocol,
    IHostnameResolver,
    IHostResolution,
    IListeningPort,
    IReactorFromThreads,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IResolutionReceiver,
    ITCPTransport,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

_HOST = "127.0.0.1"
_FIN = None
"""Stands for the end of what the other side writes."""


@implementer(IReactorTCP, IReactorFromThreads, IReactorPluggableNameResolver)
class MemoryNetwork(Clock):
    """A reactor for Twisted's endpoints, without sockets, in which every name resolves to this machine.

    What was written arrives when the clock is moved next, ``advance(0)`` included.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ports: dict[int, _Port] = {}
        self._last_port = 49151
        self.nameResolver: IHostnameResolver = _Resolver()

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> "_Port":
        number = port or self.new_port()
        if number in self._ports:
            raise error.CannotListenError(interface, number, OSError(98, "Address already in use"))
        self._ports[number] = _Port(factory, number, lambda: self._ports.pop(number, None))
        factory.doStart()
        return self._ports[number]

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> "_Connector":
        connector = _Connector(host, port, factory)
        factory.doStart()
        factory.startedConnecting(connector)
        self.callLater(0, self._connect, connector)
        return connector

    def callFromThread(self, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.callLater(0, callable, *args, **kwargs)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        before, self.nameResolver = self.nameResolver, resolver
        return before

    def new_port(self) -> int:
        """A number that is not in use."""
        self._last_port += 1
        return self._last_port

    def _connect(self, connector: "_Connector") -> None:
        if connector.state != "connecting":
            return
        port = self._ports.get(connector.port)
        if port is None:
            connector.fail(error.ConnectionRefusedError(111, "Connection refused"))
            return
        local, remote = _address(self.new_port()), _address(connector.port)
        accepted = port.factory.buildProtocol(local)
        protocol = connector.factory.buildProtocol(remote)
        if accepted is None or protocol is None:
            connector.fail(error.ConnectionRefusedError(111, "Connection refused"))
            return
        here, there = _End(self, protocol, local, remote), _End(self, accepted, remote, local)
        here.other, there.other = there, here
        here.lost, connector.state, connector.transport = connector.lost, "connected", here
        for each in (protocol, accepted):
            _adopt(self, each)
        accepted.makeConnection(there)
        protocol.makeConnection(here)


@implementer(ITCPTransport)
class _End:
    """One end of a connection."""

    other: "_End"

    def __init__(self, network: MemoryNetwork, protocol: Any, host: IPv4Address, peer: IPv4Address) -> None:
        self._network, self._protocol, self._host, self._peer = network, protocol, host, peer
        self._arriving: deque[bytes | Failure | None] = deque()
        self._paused = self._scheduled = self._finished = False
        self.lost: Callable[[Failure], None] = lambda _: None
        self.connected, self.disconnecting = True, False

    def write(self, data: bytes) -> None:
        if self.connected and not self._finished and data:
            self.other.arrive(bytes(data))

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def writeSomeData(self, data: bytes) -> int:
        """Write, as Twisted's own transports do."""
        self.write(data)
        return len(data)

    def doRead(self) -> None:
        """Read, as Twisted's own transports do."""
        self._read()

    def loseConnection(self) -> None:
        if self.connected and not self.disconnecting:
            self.disconnecting = self._finished = True
            self.other.arrive(Failure(error.ConnectionDone()))
            self._network.callLater(0, self._lose, Failure(error.ConnectionDone()))

    def loseWriteConnection(self) -> None:
        if not self._finished:
            self._finished = True
            self.other.arrive(_FIN)

    def abortConnection(self) -> None:
        if self.connected:
            self._finished = True
            self.other.arrive(Failure(error.ConnectionLost()))
            self._network.callLater(0, self._lose, Failure(error.ConnectionAborted()))

    def arrive(self, what: bytes | Failure | None) -> None:
        """Queue what the other end sent."""
        self._arriving.append(what)
        self._later()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        self._later()

    def stopProducing(self) -> None:
        self.loseConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """The producer is never paused: there is room for everything."""

    def unregisterProducer(self) -> None:
        """See `registerProducer`."""

    def getHost(self) -> IPv4Address:
        return self._host

    def getPeer(self) -> IPv4Address:
        return self._peer

    def getTcpNoDelay(self) -> bool:
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing is ever delayed."""

    def getTcpKeepAlive(self) -> bool:
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Nothing is ever lost on the way."""

    def _later(self) -> None:
        if self._arriving and not self._scheduled:
            self._scheduled = True
            self._network.callLater(0, self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._read()

    def _read(self) -> None:
        while self._arriving and self.connected and not self._paused:
            what = self._arriving.popleft()
            if isinstance(what, bytes):
                self._protocol.dataReceived(what)
            elif isinstance(what, Failure):
                self._lose(what)
            elif IHalfCloseableProtocol.providedBy(self._protocol):
                self._protocol.readConnectionLost()
            else:
                self.loseConnection()

    def _lose(self, why: Failure) -> None:
        if self.connected:
            self.connected = False
            self._protocol.connectionLost(why)
            self.lost(why)


@implementer(IListeningPort)
class _Port:
    """A port that is listened on."""

    def __init__(self, factory: Any, number: int, close: Callable[[], object]) -> None:
        self.factory, self._number, self._close = factory, number, close

    def startListening(self) -> None:
        """It does from the beginning."""

    def stopListening(self) -> Deferred[None]:
        self._close()
        self.factory.doStop()
        return succeed(None)

    def getHost(self) -> IPv4Address:
        return _address(self._number)


@implementer(IConnector)
class _Connector:
    """One attempt to connect."""

    def __init__(self, host: str, port: int, factory: Any) -> None:
        self.host, self.port, self.factory = host, port, factory
        self.state = "connecting"
        self.transport: _End | None = None

    def connect(self) -> None:
        """It does from the beginning."""

    def stopConnecting(self) -> None:
        self.fail(error.UserError())

    def disconnect(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
        else:
            self.stopConnecting()

    def getDestination(self) -> IPv4Address:
        return _address(self.port)

    def fail(self, why: Exception) -> None:
        """Report that there will be no connection."""
        if self.state == "connecting":
            self.state = "disconnected"
            self.factory.clientConnectionFailed(self, Failure(why))
            self.factory.doStop()

    def lost(self, why: Failure) -> None:
        """Report that the connection is gone."""
        self.state = "disconnected"
        self.factory.clientConnectionLost(self, why)
        self.factory.doStop()


@implementer(IHostnameResolver)
class _Resolver:
    """Resolves every name to this machine."""

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        resolutionReceiver.addressResolved(_address(portNumber))
        resolutionReceiver.resolutionComplete()
        return resolution


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """It is done already."""


def _address(port: int) -> IPv4Address:
    return IPv4Address("TCP", _HOST, port)


def _adopt(network: MemoryNetwork, protocol: Any) -> None:
    """Have TLS live by the network's clock: Twisted's client endpoints give it the process's reactor."""
    while protocol is not None:
        aggregator: Any = getattr(protocol, "_aggregator", None)
        if hasattr(aggregator, "_clock"):
            aggregator._clock = network
        protocol = getattr(protocol, "_wrappedProtocol", None)
