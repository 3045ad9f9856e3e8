"""The line door as a plug-in."""

from pushgate.inputs.common.conversation import ConversationInput
from pushgate.inputs.line.server import LineServer, LineTable
from pushgate.plugin.factories import InputFactory


class LineInput(ConversationInput):
    """Takes lines."""

    server = LineServer


factory = InputFactory(
    "line", "one command a line, text or JSON: nc and a shell are enough", LineTable, LineInput
)
