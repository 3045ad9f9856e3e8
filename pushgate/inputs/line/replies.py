"""The answers to what came in one piece, in the order of its lines."""

from typing import Final

from pushgate.model.errors import PushgateError, Refusal
from pushgate.model.outcome_record import id_stem
from pushgate.plugin.interfaces import Receipt

MAX_TEXT: Final = 1000
"""Characters of an error's text at most."""
_DIGITS: Final[list[str]] = []
"""The last digits of the ids of a batch's members, as many as were needed yet."""


class Replies:
    """A place for each answer, filled in any order, sent as one.

    :ivar complete: no further place is asked for.
    :ivar size: bytes of the answers that are there.
    """

    __slots__ = ("_missing", "_parts", "complete", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._missing = self.size = 0
        self.complete = False

    @property
    def ready(self) -> bool:
        """Whether every line has its answer."""
        return self.complete and not self._missing

    def reserve(self, lines: int) -> int:
        """A place for the answer to so many lines, which is given at once."""
        self._parts.append(b"")
        self._missing += lines
        return len(self._parts) - 1

    def fill(self, place: int, answer: bytes, lines: int) -> None:
        """Put an answer, with the ends of its lines, into its place."""
        self._parts[place] = answer
        self.size += len(answer)
        self._missing -= lines

    def joined(self) -> bytes:
        """All of them."""
        return b"".join(self._parts)


def ok(text: str) -> bytes:
    """A line that says yes."""
    return f"OK {text}\n".encode()


def error(error: PushgateError) -> bytes:
    """A line that says no, and why. `UNKNOWN` when the gateway does not know itself."""
    code = error.code if isinstance(error, Refusal) else "UNKNOWN"
    text = " ".join(str(error)[:MAX_TEXT].split())
    return f"ERR {code} {text}\n".encode(errors="replace")


def accepted(receipt: Receipt) -> bytes:
    """A line for each member of a batch: its id, or why it was refused."""
    while len(_DIGITS) < receipt.count:
        _DIGITS.append(f"{len(_DIGITS):04x}")
    stem = "OK " + id_stem(receipt.id)
    if not receipt.refused:
        between = f"\n{stem}"
        return f"{stem}{between.join(_DIGITS[: receipt.count])}\n".encode()
    lines = [f"{stem}{digits}\n".encode() for digits in _DIGITS[: receipt.count]]
    for index, refusal in receipt.refused:
        lines[index] = error(refusal)
    return b"".join(lines)
