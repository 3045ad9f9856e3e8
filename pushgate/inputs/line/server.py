"""The line input, and what its connections share."""

from pydantic import Field

from pushgate.inputs.common.conversation_input import ConversationInput, ConversationServer
from pushgate.inputs.common.diagnosis import diagnose
from pushgate.inputs.common.login_settings import LoginTable
from pushgate.inputs.line.connection import LineConnection
from pushgate.plugin.settings import Duration, ServerEndpoint


class LineTable(LoginTable):
    """The line input's configuration.

    :param listen: the endpoint.
    :param max_connections: more than so many at a time are closed at once.
    :param request_timeout: how long a line may take from its first byte to its last.
    :param unanswered: lines of one connection without an answer before reading from it stops.
    """

    listen: ServerEndpoint = "tcp:7218:interface=127.0.0.1"
    max_connections: int = Field(default=1000, ge=1)
    request_timeout: Duration = Field(default=60.0, gt=0)
    unanswered: int = Field(default=5000, ge=1)


class LineServer(ConversationServer):
    """Makes the connections of one input."""

    def connect(self) -> LineConnection:
        return LineConnection(self)


class LineInput(ConversationInput):
    """Takes lines."""

    server = LineServer


plug_in = LineTable, LineInput, diagnose
