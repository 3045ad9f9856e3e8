"""What an answer of a push service means: a row of that service's table, and what this answer adds to it."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

import msgspec

from pushgate.model.dead_token import DeadReason
from pushgate.model.printable import printable

LONGEST_REASON: Final = 64
"""Characters of a reason that are kept; Apple's longest has 27."""


class Follows(Enum):
    """What follows from an answer."""

    ACCEPTED = auto()
    """The service has it. It does not say that it was delivered."""
    REJECTED = auto()
    """It is refused for good."""
    DEAD = auto()
    """It is refused for good, and its token is dead."""
    HELD = auto()
    """The credential is refused: the notification waits until the circuit tries again."""
    RENEW_TOKEN = auto()
    """The token that authenticates is too old: sent again with a new one."""
    KEEP_TOKEN = auto()
    """The token that authenticates was renewed too often: sent again, and none is made for a while."""
    NEW_CONNECTION = auto()
    """Nothing was looked at on this connection: sent again on another one."""
    DEVICE_LATER = auto()
    """The service had too many for this device: sent again later, others are not held up."""
    LATER = auto()
    """The service is in trouble: sent again later, and others fewer at a time."""


class Answer(msgspec.Struct, frozen=True):
    """A row.

    :param reason: as the service spells it; "" for success.
    :param words: for an operator; "" when the reason says all.
    :param cause: of the circuit, a value of `Cause`, for what is held.
    :param dead: how the death is entered, for a token that is dead.
    :param wait: seconds at least before it is sent again, when the answer itself does not say.
    """

    status: int
    reason: str
    follows: Follows
    words: str = ""
    cause: str = ""
    dead: DeadReason | None = None
    wait: float = 0.0


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer: its row, and what is this answer's own.

    :param retry_after: seconds that the service wants us to wait; None when it does not say.
    :param since: Unix seconds of a token's death; None when it does not say.
    :param unique_id: what the service calls the notification; "" when it does not say.
    :param handle: the target that the service has for the device, b"" when it does not say. The notification
        was `replaced` when it went to another.
    """

    row: Answer
    retry_after: float | None = None
    since: int | None = None
    unique_id: str = ""
    handle: bytes = b""


class AnswerTable:
    """The rows of one service. An answer without a row follows its status' class.

    :param credential: 401 and 403 refuse the credential; else they refuse the notification alone.
    :param gone: 410 means that the token is dead; else it refuses the notification alone.
    """

    def __init__(self, rows: Iterable[Answer], *, credential: bool = True, gone: bool = True) -> None:
        self._by_reason: Final = {(each.status, each.reason): each for each in rows}
        self._credential, self._gone = credential, gone

    def documented(self, status: int, reason: str) -> Answer | None:
        """The row of an answer that the service documents, None for another."""
        return self._by_reason.get((status, reason))

    def answer(self, status: int, reason: str) -> Answer:
        """The row of an answer; for one that is not known, what its status' class means.

        A row without a reason is that of every answer with its status that has no row of its own.

        :param reason: as it came, "" when there was none.
        """
        found = self._by_reason.get((status, reason))
        if found is not None:
            return found
        reason = printable(reason, LONGEST_REASON)[:LONGEST_REASON]
        general = self._by_reason.get((status, ""))
        if general is not None:
            return msgspec.structs.replace(general, reason=reason or f"HTTP{status}")
        return self._of_class(status, reason or f"HTTP{status}")

    def _of_class(self, status: int, reason: str) -> Answer:
        if 200 <= status < 300:
            return Answer(status, "", Follows.ACCEPTED)
        if status == 410 and self._gone:
            return Answer(status, reason, Follows.DEAD, dead=DeadReason.UNREGISTERED)
        if status in {401, 403} and self._credential:
            return Answer(status, reason, Follows.HELD, "the credential is refused", "credential-rejected")
        if status == 429:
            return Answer(status, reason, Follows.DEVICE_LATER)
        later = status >= 500 or status == 408
        return Answer(status, reason, Follows.LATER if later else Follows.REJECTED)
