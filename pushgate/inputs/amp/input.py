"""The AMP door as a plug-in."""

from pushgate.inputs.amp.server import AmpServer, AmpTable
from pushgate.inputs.common.conversation import ConversationInput
from pushgate.plugin.factories import InputFactory


class AmpInput(ConversationInput):
    """Takes commands."""

    server = AmpServer


factory = InputFactory("amp", "AMP: the binary RPC of Twisted programs", AmpTable, AmpInput)
