"""One command that waits for its answer."""

from typing import TYPE_CHECKING, Final

from pushgate.model.errors import PushgateError, Refusal
from pushgate.protocols.amp.boxes import Box

if TYPE_CHECKING:
    from pushgate.inputs.amp.connection import AmpConnection

UNHANDLED: Final = b"UNHANDLED"
"""AMP's own code: no such command."""
UNKNOWN: Final = b"UNKNOWN"
"""AMP's own code: the command failed for a reason that is nobody's business but the log's."""
MAX_TEXT: Final = 1000
"""Characters of an error's text at most."""


class AmpRequest:
    """Ends with exactly one call of `answer` or `fail`; what is told to a lost connection goes nowhere.

    :param tag: what the peer wants its answer to be marked with, None when it wants none.
    """

    __slots__ = ("_tag", "connection")

    def __init__(self, connection: "AmpConnection", tag: bytes | None) -> None:
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
