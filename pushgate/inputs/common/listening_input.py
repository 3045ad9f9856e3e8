"""An input that listens at one address, for connections that a factory of its own makes."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.inputs.common.connections import Connections
from pushgate.net.listener import Listener
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.optional_interfaces import IReadsFiles


@implementer(IInput, IReadsFiles)
class ListeningInput:
    """Listens, and closes in order.

    :param server: makes the connections.
    """

    def __init__(self, listener: Listener, server: Connections) -> None:
        self._listener, self._server = listener, server

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server).addCallback(lambda _: self._server.start())

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        return Deferred.fromCoroutine(self._server.stop(self._listener))

    def addresses(self) -> list[str]:
        return self._listener.addresses()

    def read_files(self) -> Callable[[], None]:
        return self._listener.read_files()
