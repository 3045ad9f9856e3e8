"""The REST injector as a plug-in."""

from pushgate.inputs.common.diagnosis import diagnose
from pushgate.inputs.common.listening_input import ListeningInput
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.rest_injector.server import RestInjectorServer
from pushgate.inputs.rest_injector.settings import RestInjectorTable
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class RestInjectorInput(ListeningInput):
    """Its connections are those of `RestInjectorServer`."""

    def __init__(self, name: str, config: RestInjectorTable, gateway: IGateway, context: Context) -> None:
        listener = Listener(name, config, context)
        authenticator = Authenticator(name, listener.trusting, gateway, context, config.login_failures)
        super().__init__(
            listener, RestInjectorServer(name, config, gateway, context, authenticator, listener.loopback)
        )


plug_in = RestInjectorTable, RestInjectorInput, diagnose
