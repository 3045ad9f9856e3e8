"""The HTTP input as a plug-in."""

from typing import Final

from pushgate.inputs.common.diagnosis import diagnose
from pushgate.inputs.common.listening_input import ListeningInput
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.server import HTTPServer
from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.errors import CannotStart
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway

_CONSOLE_RULE: Final = "anyone could look at it; must be off, or listen on loopback, or with principals"


class HTTPInput(ListeningInput):
    """Its connections are those of `HTTPServer`.

    :raises CannotStart: see `Listener`; or other machines could look at the console without a login.
    """

    def __init__(self, name: str, config: HTTPTable, gateway: IGateway, context: Context) -> None:
        listener = Listener(name, config, context)
        if config.console and context.principals.open and not listener.loopback:
            raise CannotStart([f"inputs.{name}.console: {_CONSOLE_RULE}"])
        authenticator = Authenticator(name, listener.trusting, gateway, context, config.login_failures)
        super().__init__(
            listener, HTTPServer(name, config, gateway, context, authenticator, listener.loopback)
        )


plug_in = HTTPTable, HTTPInput, diagnose
