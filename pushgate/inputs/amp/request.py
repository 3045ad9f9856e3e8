"""One command that waits for its answer."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from twisted.protocols.amp import Command

from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.inputs.common.session import Session
from pushgate.model.errors import PushgateError, Refusal
from pushgate.model.principals import Operation
from pushgate.protocols.amp.boxes import Box

UNHANDLED: Final = b"UNHANDLED"
"""AMP's own code: no such command."""
UNKNOWN: Final = b"UNKNOWN"
"""AMP's own code: the command failed for a reason that only the log has."""
MAX_TEXT: Final = 1000
"""Characters of an error's text at most."""


class CommandPeer(Protocol):
    """The connection that a command came on, as what answers it uses it."""

    server: ConversationServer
    session: Session

    def fed(self, app: str) -> None:
        """See `Conversation.fed`."""

    def login(self, name: str, secret: bytes, answer: Callable[[PushgateError | None], None]) -> None:
        """See `Conversation.login`."""

    def watch(self, app: str | None) -> None:
        """Report outcomes to the peer from now on, of one app or of all; a second call changes which."""

    def finish(self, answer: Box | None) -> None:
        """End a request; called exactly once for each."""


class AmpRequest:
    """Ends with exactly one call of `answer` or `fail`; answers on a lost connection are dropped.

    :param tag: the peer's mark for the answer, None when it wants none.
    """

    __slots__ = ("_tag", "connection")

    def __init__(self, connection: CommandPeer, tag: bytes | None) -> None:
        self.connection, self._tag = connection, tag

    def answer(self, values: Box) -> None:
        """Answer with these values."""
        self.connection.finish(None if self._tag is None else {b"_answer": self._tag, **values})

    def fail(self, error: PushgateError) -> None:
        """Answer with an error: a refusal with its code, anything else as unknown."""
        self.fail_with(error.code.encode() if isinstance(error, Refusal) else UNKNOWN, str(error))

    def fail_with(self, code: bytes, text: str) -> None:
        """Answer with an error of this code."""
        if self._tag is None:
            self.connection.finish(None)
            return
        description = text[:MAX_TEXT].encode(errors="replace")
        self.connection.finish(
            {b"_error": self._tag, b"_error_code": code, b"_error_description": description}
        )


LaterCommand = tuple[type[Command], Operation, Callable[..., Coroutine[Any, Any, Box]]]
"""A command, the operation a peer must be allowed, and what makes its answer."""
