"""What happens to notifications between their acceptance and their outcome."""

from enum import StrEnum
from typing import Final

import msgspec

_FIRST: Final = 8
_LAST: Final = 24


class Event(StrEnum):
    """Every kind of step; after each but the first, the notification waits in the queue again."""

    WRITTEN = "written"
    """Handed to a connection."""
    REFUSED = "refused"
    """The push service refused it with a temporary status."""
    DISCARDED = "discarded"
    """The push service did not look at it: it had ended the connection, for another's sake or its own."""
    LOST = "lost"
    """The connection ended without telling what became of it."""
    RESTARTED = "restarted"
    """The gateway was started anew, and found it in the spool."""


class Step(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One thing that happened to a span.

    :param at: Unix seconds.
    :param connection: the nth of its upstream since that was started; 0 when there was none.
    :param reason: the status' name in Apple's terms, or why the connection ended; "" for what needs none.
    """

    event: Event
    at: float
    connection: int = 0
    reason: str = ""


Past = tuple[Step, ...]
"""Steps in the order in which they happened."""


def later(past: Past, step: Step) -> Past:
    """`past` and then `step`; of a past that is too long to be kept, the middle is left out."""
    if len(past) >= _FIRST + _LAST:
        past = past[:_FIRST] + past[1 - _LAST :]
    return (*past, step)
