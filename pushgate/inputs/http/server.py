"""The server of one HTTP input: makes its connections, and ends them in order."""

from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.connection import InputConnection
from pushgate.inputs.http.console.console import Console
from pushgate.inputs.http.routes import find_reader
from pushgate.inputs.http.server_sent_events import ServerSentEvents
from pushgate.inputs.http.services import HTTPServices
from pushgate.inputs.http.settings import HTTPTable
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


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
        self.console = Console(name, gateway, context, self.guard, local) if config.console else None
        self._events = ServerSentEvents(name, config, gateway, context)
        self.find_reader, self.watch = find_reader, self._events.watch

    def connect(self) -> InputConnection:
        return InputConnection(self)

    # called by the input

    async def stop(self, *listeners: Listener) -> None:
        """As `HTTPConnections.stop`; events end first, and requests that wait for outcomes last."""
        self._events.close()
        if self.console is not None:
            self.console.close()
        self.authenticator.stop()
        try:
            await super().stop(*listeners)
        finally:
            self.waits.close()
