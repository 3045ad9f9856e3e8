"""The APNs input as a plug-in."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.inputs.apns_binary.authentication import ProviderAuthentication
from pushgate.inputs.apns_binary.feedback_connection import FeedbackServer
from pushgate.inputs.apns_binary.push_connection import NotificationServer
from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.inputs.apns_binary.tls import ProviderTls
from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.diagnosis import diagnose
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.optional_interfaces import IReadsFiles


@implementer(IInput, IReadsFiles)
class ApnsBinaryInput:
    """Listens on one port for notifications, and on another for feedback."""

    log = Logger()

    def __init__(self, name: str, config: ApnsTable, gateway: IGateway, context: Context) -> None:
        self._name = name
        keys = list(config.endpoints())
        self._listeners = [Listener(name, config, context, key=key, tls=ProviderTls) for key in keys]
        trusting = all(listener.trusting for listener in self._listeners)
        authentication = ProviderAuthentication(config, trusting, gateway, context)
        self._servers: Sequence[Connections] = [
            NotificationServer(name, config, gateway, context, authentication, self._leave),
            FeedbackServer(name, config, gateway, context, authentication),
        ][: len(keys)]

    def start(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._start())

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        return Deferred.fromCoroutine(self._stop())

    def addresses(self) -> list[str]:
        return [address for listener in self._listeners for address in listener.addresses()]

    def read_files(self) -> Callable[[], None]:
        renewed = [listener.read_files() for listener in self._listeners]

        def use() -> None:
            for each in renewed:
                each()

        return use

    async def _start(self) -> None:
        for listener, server in zip(self._listeners, self._servers, strict=True):
            await listener.start(server)

    async def _stop(self) -> None:
        stopping = [
            Deferred.fromCoroutine(server.stop(listener))
            for listener, server in zip(self._listeners, self._servers, strict=True)
        ]
        try:
            for each in stopping:
                await each
        finally:
            for each in stopping:
                each.cancel()

    def _leave(self) -> None:
        """Close the port as the gateway shuts down: programs then connect to another, if there is one."""
        leaving = self._listeners[0].stop()
        leaving.addErrback(
            lambda failure: self.log.failure("input {name}: closing its port", failure, name=self._name)
        )


plug_in = ApnsTable, ApnsBinaryInput, diagnose
