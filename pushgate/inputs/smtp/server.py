"""The SMTP input as a plug-in."""

from typing import Any

from pushgate.inputs.common.conversation_input import ConversationInput
from pushgate.inputs.common.diagnosis import diagnose
from pushgate.inputs.smtp.connection import SmtpConnection
from pushgate.inputs.smtp.services import SmtpServices
from pushgate.inputs.smtp.settings import SmtpTable
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class SmtpServer(SmtpServices):
    """Builds the connections of one input."""

    def connect(self) -> SmtpConnection:
        return SmtpConnection(self)


class SmtpInput(ConversationInput):
    """The SMTP input."""

    server = SmtpServer
    starttls = True

    def __init__(self, name: str, config: Any, gateway: IGateway, context: Context) -> None:
        super().__init__(name, config, gateway, context)
        assert isinstance(self._server, SmtpServer)
        self._server.starttls, self._server.trusting = self._listener.starttls, self._listener.trusting


plug_in = SmtpTable, SmtpInput, diagnose
