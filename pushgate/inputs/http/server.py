"""The server of one HTTP input: makes its connections, and ends them in order."""

from twisted.internet.interfaces import IProtocolNegotiationFactory
from zope.interface import implementer

from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.connection import InputConnection
from pushgate.inputs.http.routes import find_reader
from pushgate.inputs.http.server_sent_events import ServerSentEvents
from pushgate.inputs.http.services import HTTPServices
from pushgate.inputs.http.settings import HTTPTable
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.sweeper import Sweeper
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway


@implementer(IProtocolNegotiationFactory)
class HTTPServer(HTTPServices):
    """Makes the connections of one input.

    :param local: only this machine can connect, over TCP, so that a browser on it can too.
    """

    def __init__(
        self,
        name: str,
        config: HTTPTable,
        gateway: IGateway,
        context: Context,
        authenticator: Authenticator,
        local: bool = False,
    ) -> None:
        super().__init__(name, config, gateway, context, authenticator)
        self.guard = BrowserGuard(local, config.host_names)
        self._events = ServerSentEvents(name, config, gateway, context)
        self.find_reader, self.watch = find_reader, self._events.watch
        self._sweeper = Sweeper(self.clock, lambda: self.connections)

    def connect(self) -> InputConnection:
        return InputConnection(self)

    def acceptableProtocols(self) -> list[bytes]:
        """The protocols that a TLS connection may choose from, best first."""
        return [b"h2", b"http/1.1"]

    # called by the input

    def start(self) -> None:
        """Start the sweeps for what is too slow."""
        self._sweeper.start()

    async def stop(self, *listeners: Listener) -> None:
        """As `Connections.stop`, but connections without a request are closed at once."""
        self._events.close()
        self.authenticator.stop()
        self.stopping = True
        for connection in list(self.connections):
            if not connection.under_way:
                connection.close()
        try:
            await super().stop(*listeners)
        finally:
            self.waits.close()
            self.end()

    def end(self) -> None:
        """End the sweeps."""
        self._sweeper.stop()
