"""The server of one hub input: makes its connections, and holds what they share."""

from typing import Any
from urllib.parse import urlsplit

from twisted.internet.interfaces import IProtocolNegotiationFactory
from zope.interface import implementer

from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.login_throttle import LoginThrottle
from pushgate.inputs.hub.access import Access
from pushgate.inputs.hub.connection import HubConnection
from pushgate.inputs.hub.routes import find_reader
from pushgate.inputs.hub.settings import HubInputTable
from pushgate.model.errors import Overloaded, PushgateError, Refusal
from pushgate.model.hub.errors import UnknownResource
from pushgate.net.http.bounds import HTTPBounds
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.codec import Header
from pushgate.net.http.date_header import DateHeader
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.sweeper import Sweeper
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway


@implementer(IProtocolNegotiationFactory)
class HubServer(Connections):
    """Makes the connections of one input.

    :param local: only this machine can connect, over TCP, so that a browser on it can too.
    :ivar guard: refuses what a browser was made to send.
    :ivar access: checks signatures.
    :ivar unsent: see `HTTPOwner`.
    """

    def __init__(
        self, name: str, config: HubInputTable, gateway: IGateway, context: Context, local: bool = False
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config, self.context = config, context
        self.access = Access(
            LoginThrottle(name, context, config.login_failures), config.public_url, context.wall
        )
        own = urlsplit(config.public_url or "").hostname
        self.guard = BrowserGuard(local, [*config.host_names, *([own] if own else [])])
        self._body_bytes = self.unsent = 0
        self._date = DateHeader(self.clock, self.wall)
        self._sweeper = Sweeper(self.clock, lambda: self.connections)
        self._hubs = context.hubs  # whose hubs a reload may replace
        self._names = {hub.lower(): hub for hub in config.hubs} | {hub: hub for hub in config.hubs}
        self.bounds = HTTPBounds(
            idle_timeout=config.idle_timeout,
            header_timeout=config.header_timeout,
            body_timeout=config.body_timeout,
            unread_timeout=config.unread_timeout,
        )

    def connect(self) -> HubConnection:
        return HubConnection(self)

    def acceptableProtocols(self) -> list[bytes]:
        """The protocols that a TLS connection may choose from, best first."""
        return [b"h2", b"http/1.1"]

    # called by connections and requests

    def find_reader(self, request: Any) -> BodyReader:
        """The reader of a request's body; raises what is wrong with its head."""
        return find_reader(request)

    def hub(self, name: str) -> Any:
        """The hub of this name, in any case: an `IHub`.

        :raises UnknownResource: the input offers none.
        """
        hub = self._hubs.get(self._names.get(name) or self._names.get(name.lower()) or "")
        if hub is None:
            raise UnknownResource("hub")
        return hub

    def common_headers(self) -> tuple[Header, ...]:
        """Headers of every answer."""
        return ((b"date", self._date()), (b"cache-control", b"no-store"))

    def count_error(self, error: PushgateError) -> None:
        """Count a request that is refused."""
        if isinstance(error, Refusal):
            self.count_refusal("", error)

    def reserve(self, size: int) -> None:
        """Take room for bytes of a body; `size` below zero gives it back.

        :raises Overloaded: there is none.
        """
        if size > 0 and self._body_bytes + size > self.config.max_bodies:
            raise Overloaded("bodies being read (bytes)", self._body_bytes, self.config.max_bodies)
        self._body_bytes += size

    # called by the input

    def start(self) -> None:
        """Say to the hubs where their containers are, and start the sweeps for what is too slow."""
        if self.config.blob_dir is not None:
            for name in self.config.hubs:
                self._hubs[name].containers.use(self.config.blob_dir)
        self._sweeper.start()

    async def stop(self, *listeners: Listener) -> None:
        """As `Connections.stop`, but connections without a request are closed at once."""
        self.access.stop()
        self.stopping = True
        for connection in list(self.connections):
            if not connection.under_way:
                connection.close()
        try:
            await super().stop(*listeners)
        finally:
            self._sweeper.stop()
