"""The APNs HTTP/2 input as a plug-in."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.inputs.apns_http2.authentication import ProviderAuthentication
from pushgate.inputs.apns_http2.server import PushServer
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway, IInput, IReadsFiles


@implementer(IInput, IReadsFiles)
class ApnsHTTP2Input:
    """Listens, and closes in order."""

    log = Logger()

    def __init__(self, name: str, config: ApnsHTTP2InputTable, gateway: IGateway, context: Context) -> None:
        self._name, self._listener = name, Listener(name, config, context)
        self._authentication = ProviderAuthentication(name, config, self._listener.trusting, gateway, context)
        self._server = PushServer(name, config, gateway, context, self._authentication, self._leave)

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server).addCallback(lambda _: self._server.start())

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        return Deferred.fromCoroutine(self._server.stop(self._listener))

    def addresses(self) -> list[str]:
        return self._listener.addresses()

    def read_files(self) -> Callable[[], None]:
        certificates, keys = self._listener.read_files(), self._authentication.read_files()

        def use() -> None:
            certificates()
            keys()

        return use

    def _leave(self) -> None:
        """Close the port as the gateway shuts down: programs then connect to another, if there is one."""
        leaving = self._listener.stop()
        leaving.addErrback(
            lambda failure: self.log.failure("input {name}: closing its port", failure, name=self._name)
        )


plug_in = ApnsHTTP2InputTable, ApnsHTTP2Input
