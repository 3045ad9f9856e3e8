"""The server of one HTTP input: makes its connections, and ends what is too slow."""

from typing import Final

from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.task import LoopingCall
from twisted.web import http
from zope.interface import implementer

from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.connection import HTTPConnection
from pushgate.inputs.http.routes import find_reader
from pushgate.inputs.http.server_sent_events import ServerSentEvents
from pushgate.inputs.http.services import HTTPServices
from pushgate.inputs.http.settings import HTTPTable
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway

SWEEP: Final = 1.0
"""Seconds between two checks for connections that are too slow."""


class _Protocols(http.HTTPFactory):
    """Makes twisted.web's protocols, without its timeouts and its access log."""

    noisy = False

    def startFactory(self) -> None:
        """Open no log."""

    def stopFactory(self) -> None:
        """Close no log."""

    def log(self, request: http.Request) -> None:
        """Log nothing: at the rate of pushes a line each would cost more than the push."""


@implementer(IProtocolNegotiationFactory)
class HTTPServer(HTTPServices):
    """Makes the connections of one input."""

    def __init__(
        self, name: str, config: HTTPTable, gateway: IGateway, context: Context, authenticator: Authenticator
    ) -> None:
        super().__init__(name, config, gateway, context, authenticator)
        self._protocols = _Protocols(timeout=None, reactor=self.clock)  # type: ignore[arg-type]  # None: no timeout, as documented
        self._events = ServerSentEvents(name, config, gateway, context)
        self.reader, self.watch = find_reader, self._events.watch
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = self.clock
        self._swept_at = 0.0

    def connect(self) -> HTTPConnection:
        channel = self._protocols.buildProtocol(None)
        assert channel is not None
        connection = HTTPConnection(self, channel)
        channel.requestFactory = connection.request
        return connection

    # called by the connections, as by any protocol that stands around another one

    def registerProtocol(self, connection: HTTPConnection) -> None:
        """See `twisted.protocols.policies.WrappingFactory`."""
        self.joined(connection)

    def unregisterProtocol(self, connection: HTTPConnection) -> None:
        """See `registerProtocol`."""
        self.left(connection)

    def acceptableProtocols(self) -> list[bytes]:
        """The protocols that a TLS connection may choose from, best first."""
        return [b"h2", b"http/1.1"] if http.H2_ENABLED else [b"http/1.1"]

    # called by the input

    def start(self) -> None:
        """Start the sweeps for what is too slow."""
        self._swept_at = self.now()
        self._sweeper.start(SWEEP, now=False)

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
        if self._sweeper.running:
            self._sweeper.stop()

    def _sweep(self) -> None:
        now = self.now()
        interval, self._swept_at = now - self._swept_at, now
        for connection in list(self.connections):
            connection.sweep(now, interval)
