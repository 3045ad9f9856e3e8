"""The line door as a plug-in."""

from pushgate.inputs.common.conversation import ConversationInput
from pushgate.inputs.line.server import LineServer, LineTable


class LineInput(ConversationInput):
    """Takes lines."""

    server = LineServer


plug_in = LineTable, LineInput
