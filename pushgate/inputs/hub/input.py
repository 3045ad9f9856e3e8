"""The hub input as a plug-in."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.inputs.hub.server import HubServer
from pushgate.inputs.hub.settings import HubInputTable
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway, IInput, IReadsFiles


@implementer(IInput, IReadsFiles)
class HubInput:
    """Listens, and closes in order."""

    def __init__(self, name: str, config: HubInputTable, gateway: IGateway, context: Context) -> None:
        self._listener = Listener(name, config, context)
        self._server = HubServer(name, config, gateway, context, self._listener.loopback)

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server).addCallback(lambda _: self._server.start())

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        return Deferred.fromCoroutine(self._server.stop(self._listener))

    def addresses(self) -> list[str]:
        return self._listener.addresses()

    def read_files(self) -> Callable[[], None]:
        return self._listener.read_files()


plug_in = HubInputTable, HubInput
