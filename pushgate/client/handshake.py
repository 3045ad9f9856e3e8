"""Connections to a gateway whose TLS handshake is done."""

from typing import Any, Final

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.net.connecting import connected

HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds for the TLS handshake."""


async def connect(
    endpoint: IStreamClientEndpoint, factory: IProtocolFactory, clock: IReactorTime
) -> IProtocol:
    """Connect, and hand the connection to the factory's protocol once its TLS handshake is done.

    Without TLS that is at once. What the protocol writes thus never goes to a peer that is not trusted.
    """
    waiting: Any = await connected(endpoint, _Handshakes(factory))
    try:
        protocol: IProtocol = await waiting.done.addTimeout(HANDSHAKE_TIMEOUT, clock)
    except (defer.CancelledError, defer.TimeoutError):
        waiting.transport.abortConnection()
        raise
    return protocol


@implementer(IHandshakeListener)
class _Handshake(Protocol):
    """Stands between a connection and its protocol, which gets it when the handshake is done.

    :ivar done: fires with the protocol; fails with the reason for which the connection ended before.
    """

    transport: Any

    def __init__(self, protocol: IProtocol) -> None:
        self.done: Deferred[IProtocol] = Deferred()
        self._protocol, self._made = protocol, False

    def connectionMade(self) -> None:
        if not hasattr(self.transport, "getPeerCertificate"):
            self.handshakeCompleted()

    def handshakeCompleted(self) -> None:
        self._made = True
        self._protocol.makeConnection(self.transport)
        self.done.callback(self._protocol)

    def dataReceived(self, data: bytes) -> None:
        self._protocol.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._made:
            self._protocol.connectionLost(reason)
        elif not self.done.called:
            self.done.errback(reason)


class _Handshakes(Factory):
    noisy = False

    def __init__(self, factory: IProtocolFactory) -> None:
        self._factory = factory

    def buildProtocol(self, addr: Any) -> Protocol | None:
        protocol = self._factory.buildProtocol(addr)
        return None if protocol is None else _Handshake(protocol)
