"""The commands that change what a gateway takes for dead, as methods."""

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred

from pushgate.client.asking import Asking
from pushgate.client.chunks import Token, entry_chunks, token_chunks
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.target import TargetForm
from pushgate.protocols.amp.commands import Bury, DeadTokens, Forget


class DeadTokenCommands:
    """Part of `Client`."""

    _asking: Asking

    def target_form(self, app: str) -> Deferred[TargetForm]:
        """How the tokens, or other targets, of an app are written as text."""
        return self._asking.command(DeadTokens, True, app=app, limit=1).addCallback(_form)

    def bury(self, app: str, entries: Iterable[DeadTokenEntry]) -> Deferred[int]:
        """Have the gateway take tokens for dead, of which there may be any number.

        Fires once all are safe, with how many it did not know. They are read as fast as it takes them.
        """

        async def buried() -> int:
            pieces = entry_chunks(entries, await self.target_form(app))
            asked = self._asking.command
            return sum([(await asked(Bury, True, app=app, entries=piece))["buried"] for piece in pieces])

        return Deferred.fromCoroutine(buried())

    def forget(self, app: str, tokens: Iterable[Token]) -> Deferred[int]:
        """Have the gateway take tokens for living again; fires with how many it took for dead.

        :param tokens: as the push service writes them, or their bytes.
        """

        async def forgotten() -> int:
            form = await self.target_form(app)
            name = "tokens" if form is TargetForm.HEX else "targets"
            pieces = ({name: packed} for packed in token_chunks(tokens, form))
            asked = self._asking.command
            return sum([(await asked(Forget, True, app=app, **piece))["forgotten"] for piece in pieces])

        return Deferred.fromCoroutine(forgotten())


def _form(answer: dict[str, Any]) -> TargetForm:
    return TargetForm(answer.get("form") or TargetForm.HEX)
