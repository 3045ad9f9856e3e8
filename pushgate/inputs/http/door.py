"""The HTTP door as a plug-in."""

from typing import Final

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.inputs.http.server import HTTPServer
from pushgate.inputs.http.table import HTTPTable
from pushgate.inputs.listener import Listener
from pushgate.inputs.visitor import Porter
from pushgate.interfaces import Context, IGateway, IInput
from pushgate.plugin import InputFactory

STOP_PATIENCE: Final = 10.0
"""Seconds the requests under way have to be answered when the door stops."""


@implementer(IInput)
class HTTPDoor:
    """Listens, and closes in order."""

    log = Logger()

    def __init__(self, name: str, config: HTTPTable, gateway: IGateway, context: Context) -> None:
        self._name = name
        self._listener = Listener(name, config, context)
        porter = Porter(name, self._listener.trusting, gateway, context)
        self._server = HTTPServer(name, config, gateway, context, porter)

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server).addCallback(lambda _: self._server.start())

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        return Deferred.fromCoroutine(self._stop())

    def addresses(self) -> list[str]:
        return self._listener.addresses()

    async def _stop(self) -> None:
        server = self._server
        server.stopping = True
        try:
            await self._listener.stop()
            server.events.close()
            server.porter.stop()
            try:
                await server.idle().addTimeout(STOP_PATIENCE, server.clock)
            except defer.TimeoutError:
                self.log.warn("door {name}: some requests got no answer", name=self._name)
            await server.close()
        finally:
            server.waits.close()
            server.abort()


factory = InputFactory("http", "JSON over HTTP/1.1 and HTTP/2", HTTPTable, HTTPDoor)
