"""The AMP input, and what its connections share."""

from pydantic import Field

from pushgate.inputs.amp.connection import AmpConnection
from pushgate.inputs.amp.watcher import Watchers
from pushgate.inputs.common.conversation_input import ConversationInput, ConversationServer
from pushgate.inputs.common.diagnosis import diagnose
from pushgate.inputs.common.login_settings import LoginTable
from pushgate.inputs.common.session import Authenticator
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.settings import Duration, ServerEndpoint


class AmpTable(LoginTable):
    """The AMP input's configuration.

    :param listen: the endpoint.
    :param max_connections: more than so many at a time are closed at once.
    :param request_timeout: how long a command may take from its first byte to its last.
    :param unanswered: commands under way on one connection before reading from it stops.
    :param watch_buffer: reports (ranges of notifications with one outcome) that may wait for one watcher.
    :param watch_timeout: how long a watcher may take to acknowledge outcomes before it is disconnected.
    """

    listen: ServerEndpoint = "tcp:7215:interface=127.0.0.1"
    max_connections: int = Field(default=1000, ge=1)
    request_timeout: Duration = Field(default=60.0, gt=0)
    unanswered: int = Field(default=256, ge=1)
    watch_buffer: int = Field(default=10_000, ge=1)
    watch_timeout: Duration = 30.0


class AmpServer(ConversationServer):
    """Makes the connections of one input."""

    def __init__(
        self, name: str, config: AmpTable, gateway: IGateway, context: Context, authenticator: Authenticator
    ) -> None:
        super().__init__(name, config, gateway, context, authenticator)
        self._watchers = Watchers(name, config.watch_buffer, config.watch_timeout, gateway, context)

    def connect(self) -> AmpConnection:
        return AmpConnection(self, self._watchers)


class AmpInput(ConversationInput):
    """Takes commands."""

    server = AmpServer


plug_in = AmpTable, AmpInput, diagnose
