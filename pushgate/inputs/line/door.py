"""The line door as a plug-in."""

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.inputs.line.server import LineServer, LineTable
from pushgate.inputs.listener import Listener
from pushgate.inputs.visitor import Porter
from pushgate.interfaces import Context, IGateway, IInput
from pushgate.plugin import InputFactory


@implementer(IInput)
class LineDoor:
    """Listens, and closes in order."""

    def __init__(self, name: str, config: LineTable, gateway: IGateway, context: Context) -> None:
        self._listener = Listener(name, config, context)
        porter = Porter(name, self._listener.trusting, gateway, context)
        self._server = LineServer(name, config, gateway, context, porter)

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server)

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        self._server.porter.stop()
        return Deferred.fromCoroutine(self._server.stop(self._listener))

    def addresses(self) -> list[str]:
        return self._listener.addresses()


factory = InputFactory(
    "line", "one command a line, text or JSON: nc and a shell are enough", LineTable, LineDoor
)
