"""The base of both kinds of connection: authentication at the start, an orderly end."""

from typing import Any, ClassVar

from twisted.internet.interfaces import IHandshakeListener, ISSLTransport, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.inputs.apns_binary.authentication import Provider, ProviderAuthentication
from pushgate.inputs.apns_binary.graceful_close import GracefulClose
from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.inputs.common.connections import Connections
from pushgate.model.errors import Refusal
from pushgate.model.principals import Operation
from pushgate.net.peer import peer_text
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class ApnsConnections(Connections):
    """The state that the connections of one port share."""

    def __init__(
        self,
        name: str,
        config: ApnsTable,
        gateway: IGateway,
        context: Context,
        authentication: ProviderAuthentication,
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config, self.authentication = config, authentication


@implementer(IHandshakeListener)
class ApnsConnection(Protocol):
    """A connection; `admitted` is called once the client is authenticated.

    :ivar under_way: something of it is not done yet.
    """

    log = Logger()
    operation: ClassVar[Operation]
    transport: Any  # in turn TCP, UNIX, and TLS over one of them

    def __init__(self, server: ApnsConnections) -> None:
        self.server = server
        self.under_way = False
        self.closing: GracefulClose
        self.lost = False
        self.provider: Provider | None = None

    def connectionMade(self) -> None:
        self.closing = GracefulClose(self.transport, self.server.clock)
        if ITCPTransport.providedBy(self.transport):
            # The last response is small: without this it may wait, and be lost when the connection closes.
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.server.joined(self)
        if not ISSLTransport.providedBy(self.transport):
            self._enter()

    def handshakeCompleted(self) -> None:
        """The client has proven its certificate."""
        self._enter()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        self.closing.cancel()
        if not self.under_way:
            self.server.left(self)

    def admitted(self, provider: Provider) -> None:
        """The client is authenticated."""

    def abort(self) -> None:
        """Close at once."""
        if not self.lost:
            self.transport.abortConnection()

    def done(self) -> None:
        """Note that nothing of it is under way any more."""
        self.under_way = False
        if self.lost:
            self.server.left(self)
        self.server.finished()

    def _enter(self) -> None:
        try:
            self.provider = self.server.authentication.authenticate(self.transport, self.operation)
        except Refusal as refusal:
            self.log.warn(
                "input {name}: {peer} is not let in: {why}",
                name=self.server.name,
                peer=peer_text(self.transport.getPeer()),
                why=refusal,
            )
            self.closing.begin(b"")
            return
        self.admitted(self.provider)
