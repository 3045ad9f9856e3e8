"""The commands with which one finds out about managed devices, as methods."""

from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from pushgate.client.asking import Asking
from pushgate.client.chunks import Token, token_text
from pushgate.protocols.amp.mdm_commands import Diagnose, FindEnrolments


class EnrolmentCommands:
    """Part of `Client`."""

    _asking: Asking

    def find_enrolments(self, app: str, sha256: str) -> Deferred[list[dict[str, Any]]]:
        """The enrolments, 20 at most, of tokens whose SHA-256 begins with these hex digits."""
        asked = self._asking.command(FindEnrolments, True, app=app, sha256=sha256)
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["enrolments"], type=list))

    def diagnose(self, app: str, token: Token) -> Deferred[dict[str, Any]]:
        """What is known of a managed device, and why it may not have called."""
        asked = self._asking.command(Diagnose, True, app=app, token=token_text(token))
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["diagnosis"], type=dict))
