"""The REST injector as a plug-in."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.rest_injector.server import RestInjectorServer
from pushgate.inputs.rest_injector.settings import RestInjectorTable
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway, IInput, IReadsFiles


@implementer(IInput, IReadsFiles)
class RestInjectorInput:
    """Listens, and closes in order."""

    def __init__(self, name: str, config: RestInjectorTable, gateway: IGateway, context: Context) -> None:
        self._listener = Listener(name, config, context)
        authenticator = Authenticator(name, self._listener.trusting, gateway, context, config.login_failures)
        self._server = RestInjectorServer(
            name, config, gateway, context, authenticator, self._listener.loopback
        )

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server).addCallback(lambda _: self._server.start())

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        return Deferred.fromCoroutine(self._server.stop(self._listener))

    def addresses(self) -> list[str]:
        return self._listener.addresses()

    def read_files(self) -> Callable[[], None]:
        return self._listener.read_files()


plug_in = RestInjectorTable, RestInjectorInput
