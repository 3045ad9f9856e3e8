"""The server of one hub input: makes its connections, and holds what they share."""

from typing import Any
from urllib.parse import urlsplit

from pushgate.inputs.common.http_connections import HTTPConnections
from pushgate.inputs.common.login_throttle import LoginThrottle
from pushgate.inputs.hub.access import Access
from pushgate.inputs.hub.connection import HubConnection
from pushgate.inputs.hub.routes import find_reader
from pushgate.inputs.hub.settings import HubInputTable
from pushgate.model.errors import PushgateError, Refusal
from pushgate.model.hub.errors import UnknownResource
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.hub_interface import IHub


class HubServer(HTTPConnections):
    """Makes the connections of one input.

    :param local: only this machine can connect, over TCP, so that a browser on it can too.
    :ivar guard: refuses what a browser was made to send.
    :ivar access: checks signatures.
    """

    def __init__(
        self, name: str, config: HubInputTable, gateway: IGateway, context: Context, local: bool = False
    ) -> None:
        super().__init__(name, config, gateway, context)
        self.config, self.context = config, context
        self.access = Access(
            LoginThrottle(name, context, config.login_failures), config.public_url, context.wall
        )
        own = urlsplit(config.public_url or "").hostname
        self.guard = BrowserGuard(local, [*config.host_names, *([own] if own else [])])
        self._names = {hub.lower(): hub for hub in config.hubs} | {hub: hub for hub in config.hubs}

    def connect(self) -> HubConnection:
        return HubConnection(self)

    # called by connections and requests

    def find_reader(self, request: Any) -> BodyReader:
        """The reader of a request's body; raises what is wrong with its head."""
        return find_reader(request)

    def hub(self, name: str) -> IHub:
        """The hub of this name, in any case.

        :raises UnknownResource: the input offers none.
        """
        hub = self.hubs.get(self._names.get(name) or self._names.get(name.lower()) or "")
        if hub is None:
            raise UnknownResource("hub")
        return hub

    def count_error(self, error: PushgateError) -> None:
        """Count a request that is refused."""
        if isinstance(error, Refusal):
            self.count_refusal("", error)

    # called by the input

    def start(self) -> None:
        """Say to the hubs where their containers are, and begin as `HTTPConnections`."""
        if self.config.blob_dir is not None:
            for name in self.config.hubs:
                self.hubs[name].containers.use(self.config.blob_dir)
        super().start()

    async def stop(self, *listeners: Listener) -> None:
        self.access.stop()
        await super().stop(*listeners)
