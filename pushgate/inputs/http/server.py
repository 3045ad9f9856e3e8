"""The state that the connections of one HTTP input share."""

from typing import Final

from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.task import LoopingCall
from twisted.web import http
from zope.interface import implementer

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.connection import HTTPConnection
from pushgate.inputs.http.outcome_waits import OutcomeWaits
from pushgate.inputs.http.request import BodyReader, HTTPRequest
from pushgate.inputs.http.routes import find_route
from pushgate.inputs.http.server_sent_events import ServerSentEvents
from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.errors import Overloaded
from pushgate.net.listener import Listener
from pushgate.net.prometheus import Exposition
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
class HTTPServer(Connections):
    """Makes the connections of one input."""

    def __init__(
        self, name: str, config: HTTPTable, gateway: IGateway, context: Context, authenticator: Authenticator
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config, self.authenticator = config, authenticator
        self._protocols = _Protocols(timeout=None, reactor=self.clock)  # type: ignore[arg-type]  # None: no timeout, as documented
        self.batcher = Batcher(lambda submission: gateway.submit(submission, name), self.clock)
        self.waits = OutcomeWaits(f"{name}.wait", gateway, self.clock)
        self.events = ServerSentEvents(name, config, gateway, context)
        self.exposition = Exposition(context.metrics, gateway.stats)
        self._body_bytes = 0
        self._date, self._date_until = b"", 0.0
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

    def now(self) -> float:
        """Monotonic seconds."""
        return self.clock.seconds()

    # called by the requests

    def reader(self, request: HTTPRequest) -> BodyReader:
        """Return the reader of a request's body; raise an error for a fault of its head."""
        return find_route(request)(request)

    def watch(self, request: HTTPRequest) -> None:
        """Answer with outcomes as they come."""
        self.events.watch(request)

    def reserve(self, size: int) -> None:
        """Take room for bytes of a body; `size` below zero gives it back.

        :raises Overloaded: there is none.
        """
        if size > 0 and self._body_bytes + size > self.config.max_bodies:
            raise Overloaded("bodies being read (bytes)", self._body_bytes, self.config.max_bodies)
        self._body_bytes += size

    def date(self) -> bytes:
        """The time as headers have it."""
        now = self.now()
        if now >= self._date_until:
            self._date, self._date_until = http.datetimeToString(self.wall()), now + 1.0
        return self._date

    # called by the input

    def start(self) -> None:
        """Start the sweeps for what is too slow."""
        self._swept_at = self.now()
        self._sweeper.start(SWEEP, now=False)

    async def stop(self, *listeners: Listener) -> None:
        """As `Connections.stop`, but connections without a request are closed at once."""
        self.events.close()
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
