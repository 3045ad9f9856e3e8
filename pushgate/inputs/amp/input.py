"""The AMP door as a plug-in."""

from pushgate.inputs.amp.server import AmpServer, AmpTable
from pushgate.inputs.common.conversation import ConversationInput


class AmpInput(ConversationInput):
    """Takes commands."""

    server = AmpServer


plug_in = AmpTable, AmpInput
