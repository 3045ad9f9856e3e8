"""The HTTP input as a plug-in."""

from pushgate.inputs.common.diagnosis import diagnose
from pushgate.inputs.common.listening_input import ListeningInput
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.server import HTTPServer
from pushgate.inputs.http.settings import HTTPTable
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway


class HTTPInput(ListeningInput):
    """Its connections are those of `HTTPServer`."""

    def __init__(self, name: str, config: HTTPTable, gateway: IGateway, context: Context) -> None:
        listener = Listener(name, config, context)
        authenticator = Authenticator(name, listener.trusting, gateway, context, config.login_failures)
        super().__init__(
            listener, HTTPServer(name, config, gateway, context, authenticator, listener.loopback)
        )


plug_in = HTTPTable, HTTPInput, diagnose
