"""The hub input as a plug-in."""

from pushgate.inputs.common.diagnosis import diagnose
from pushgate.inputs.common.listening_input import ListeningInput
from pushgate.inputs.hub.server import HubServer
from pushgate.inputs.hub.settings import HubInputTable
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class HubInput(ListeningInput):
    """Its connections are those of `HubServer`."""

    def __init__(self, name: str, config: HubInputTable, gateway: IGateway, context: Context) -> None:
        listener = Listener(name, config, context)
        super().__init__(listener, HubServer(name, config, gateway, context, listener.loopback))


plug_in = HubInputTable, HubInput, diagnose
