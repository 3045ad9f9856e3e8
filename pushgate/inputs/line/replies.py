"""The answers to what came in one piece, in the order of its lines."""

from typing import Final

from pushgate.model.errors import PushgateError, Refusal
from pushgate.model.outcome_record import id_stem
from pushgate.plugin.gateway_interface import Receipt

MAX_TEXT: Final = 1000
"""Characters of an error's text at most."""
_DIGITS: Final[list[str]] = []
"""The last digits of the ids of a batch's members, as many as were needed yet."""


class Replies:
    """Places for answers, filled in any order, sent as one.

    :ivar complete: no further place will be reserved.
    :ivar size: bytes of the answers that are there.
    """

    __slots__ = ("_missing", "_parts", "complete", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._missing = self.size = 0
        self.complete = False

    @property
    def ready(self) -> bool:
        """True when every line has its answer."""
        return self.complete and not self._missing

    def reserve(self, lines: int) -> int:
        """Reserve a place for the joint answer to so many lines."""
        self._parts.append(b"")
        self._missing += lines
        return len(self._parts) - 1

    def fill(self, place: int, answer: bytes, lines: int) -> None:
        """Put an answer, with the ends of its lines, into its place."""
        self._parts[place] = answer
        self.size += len(answer)
        self._missing -= lines

    def joined(self) -> bytes:
        """All answers in the order of their lines."""
        return b"".join(self._parts)


def ok(text: str) -> bytes:
    """The line of a success."""
    return f"OK {text}\n".encode()


def error(error: PushgateError) -> bytes:
    """The line of an error, with its code; `UNKNOWN` when the gateway failed."""
    code = error.code if isinstance(error, Refusal) else "UNKNOWN"
    text = " ".join(str(error)[:MAX_TEXT].split())
    return f"ERR {code} {text}\n".encode(errors="replace")


def accepted(receipt: Receipt) -> bytes:
    """A line for each member of a batch: its id, or the reason of its refusal."""
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
