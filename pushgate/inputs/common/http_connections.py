"""The connections of an input that is an HTTP server of `pushgate.net.http`: what all of them share."""

from twisted.internet.interfaces import IProtocolNegotiationFactory
from zope.interface import implementer

from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.http_settings import HTTPServerTable
from pushgate.model.errors import Overloaded
from pushgate.net.http.codec import Header
from pushgate.net.http.date_header import DateHeader
from pushgate.net.http.sweeper import Sweeper
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


@implementer(IProtocolNegotiationFactory)
class HTTPConnections(Connections):
    """See `Connections`; an `HTTPOwner` but for `find_reader`.

    :ivar unsent: see `HTTPOwner`.
    """

    def __init__(self, name: str, table: HTTPServerTable, gateway: IGateway, context: Context) -> None:
        super().__init__(name, table.max_connections, gateway, context)
        self.bounds = table.bounds()
        self.unsent = self._body_bytes = 0
        self._max_bodies = table.max_bodies
        self._date = DateHeader(self.clock, self.wall)
        self._sweeper = Sweeper(self.clock, lambda: self.connections)

    def acceptableProtocols(self) -> list[bytes]:
        """The protocols that a TLS connection may choose from, best first."""
        return [b"h2", b"http/1.1"]

    # called by connections and requests

    def common_headers(self) -> tuple[Header, ...]:
        """Headers of every answer."""
        return ((b"date", self._date()), (b"cache-control", b"no-store"))

    def reserve(self, size: int) -> None:
        """Take room for bytes of a body; `size` below zero gives it back.

        :raises Overloaded: there is none.
        """
        if size > 0 and self._body_bytes + size > self._max_bodies:
            raise Overloaded("bodies being read (bytes)", self._body_bytes, self._max_bodies)
        self._body_bytes += size

    # called by the input

    def start(self) -> None:
        """Start the sweeps for what is too slow."""
        self._sweeper.start()

    async def stop(self, *listeners: Listener) -> None:
        """As `Connections.stop`, but connections without a request are closed at once."""
        self.stopping = True
        for connection in list(self.connections):
            if not connection.under_way:
                connection.close()
        try:
            await super().stop(*listeners)
        finally:
            self.end()

    def end(self) -> None:
        """End the sweeps."""
        self._sweeper.stop()
