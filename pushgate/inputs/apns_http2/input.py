"""The APNs HTTP/2 input as a plug-in."""

from collections.abc import Callable

from twisted.logger import Logger

from pushgate.inputs.apns_http2.authentication import ProviderAuthentication
from pushgate.inputs.apns_http2.diagnosis import diagnose
from pushgate.inputs.apns_http2.provider_keys import key_faults
from pushgate.inputs.apns_http2.server import PushServer
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.inputs.common.listening_input import ListeningInput
from pushgate.model.errors import CannotStart
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class ApnsHTTP2Input(ListeningInput):
    """Its connections are those of `PushServer`."""

    log = Logger()

    def __init__(self, name: str, config: ApnsHTTP2InputTable, gateway: IGateway, context: Context) -> None:
        try:
            listener = Listener(name, config, context)
        except CannotStart as error:  # with the faults of the keys, which are read later
            raise CannotStart([*error.faults, *key_faults(f"inputs.{name}", config.provider_keys)]) from error
        self._name = name
        self._authentication = ProviderAuthentication(name, config, listener.trusting, gateway, context)
        server = PushServer(name, config, gateway, context, self._authentication, self._leave)
        super().__init__(listener, server)

    def read_files(self) -> Callable[[], None]:
        certificates, keys = super().read_files(), self._authentication.read_files()

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


plug_in = ApnsHTTP2InputTable, ApnsHTTP2Input, diagnose
