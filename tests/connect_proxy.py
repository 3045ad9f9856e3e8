"""A small HTTP proxy on loopback, which knows CONNECT only."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from pushgate.net.connecting import Once

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy(Protocol):
    """Opens a way to a port of loopback, whatever host is asked for.

    :ivar asked: the head that came.
    """

    def __init__(self, port: int | None, answer: bytes) -> None:
        self.port, self.answer = port, answer
        self.asked = b""
        self.way: Any = None
        self.lost: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        if self.way is not None:
            self.way.transport.write(data)
            return
        self.asked += data
        if self.asked.endswith(b"\r\n\r\n"):
            port = self.port or int(self.asked.split()[1].rpartition(b":")[2])
            TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(Once(Way(self)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.way is not None:
            self.way.transport.loseConnection()
        self.lost.callback(None)


class Way(Protocol):
    """The proxy's side of the connection to the host."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy: Any = proxy
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.proxy.way = self
        self.proxy.transport.write(self.proxy.answer)

    def dataReceived(self, data: bytes) -> None:
        self.proxy.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.proxy.transport.loseConnection()
        self.lost.callback(None)


class ProxyServer(Factory):
    """Listens as a proxy.

    :param port: where every way leads; where it was asked for when None.
    :param answer: to each CONNECT.
    """

    noisy = False

    def __init__(self, port: int | None = None, answer: bytes = OPEN) -> None:
        self.to, self.answer = port, answer
        self.proxies: list[Proxy] = []

    def buildProtocol(self, addr: Any) -> Proxy:
        self.proxies.append(Proxy(self.to, self.answer))
        return self.proxies[-1]

    async def start(self) -> "ProxyServer":
        """Listen on a free port."""
        self.listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(self)
        self.url = f"http://127.0.0.1:{self.listening.getHost().port}"
        return self

    async def stop(self) -> None:
        """Listen no more; return when all connections have ended."""
        await maybeDeferred(self.listening.stopListening)
        ends = [proxy.lost for proxy in self.proxies]
        await gatherResults(ends + [proxy.way.lost for proxy in self.proxies if proxy.way is not None])
