"""The answer to a batch of any size."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import overload
from uuid import UUID

import msgspec

from pushgate.model.errors import REFUSALS, PushgateError, Refusal


class Refused(msgspec.Struct, frozen=True):
    """A notification that was not accepted.

    :param index: its place among the tokens that were given to `push_batch`.
    :param code: the word of the contract, such as ``"INVALID"``.
    """

    index: int
    code: str
    reason: str

    @property
    def error(self) -> Refusal:
        """The same as an exception."""
        return REFUSALS.get(self.code, Refusal).from_text(self.reason)


class ReceiptPart(msgspec.Struct, frozen=True):
    """What one command brought: the notifications from `start` on, `count` of them.

    :param id: of the first; None when none was accepted.
    :param refused: ascending, counted from the first of the whole batch.
    :param repeated: the gateway had accepted the same before, under the same key, and sends nothing again.
    """

    start: int
    count: int
    id: int | None
    refused: tuple[Refused, ...] = ()
    repeated: bool = False


class Ids(Sequence[str | None]):
    """The ids of notifications in the order of their tokens, made when they are looked at.

    None stands for one that has no id: it was refused.
    """

    def __init__(self, parts: Sequence[ReceiptPart]) -> None:
        self._parts = parts
        self._starts = [part.start for part in parts]
        self._refused = frozenset(refused.index for part in parts for refused in part.refused)

    def __len__(self) -> int:
        return self._parts[-1].start + self._parts[-1].count if self._parts else 0

    @overload
    def __getitem__(self, index: int) -> str | None: ...
    @overload
    def __getitem__(self, index: slice) -> list[str | None]: ...
    def __getitem__(self, index: int | slice) -> str | list[str | None] | None:
        if isinstance(index, slice):
            return [self._id(each) for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._id(index % len(self))

    def _id(self, index: int) -> str | None:
        place = bisect_right(self._starts, index) - 1
        part = self._parts[place] if place >= 0 else None
        if part is None or part.id is None or index in self._refused or index >= part.start + part.count:
            return None
        return str(UUID(int=part.id + index - part.start))


class PushReceipt:
    """What was accepted of a batch, and what was not.

    :ivar refused: ascending.
    :ivar accepted: how many notifications the gateway has taken on, now or before under the same key.
    :ivar repeated: how many of them before: nothing of these is sent again.
    :ivar ids: the id of each notification.
    """

    def __init__(self, parts: Iterable[ReceiptPart]) -> None:
        ordered = sorted(parts, key=lambda part: part.start)
        self.refused = tuple(refused for part in ordered for refused in part.refused)
        self.accepted = sum(part.count for part in ordered) - len(self.refused)
        self.repeated = sum(part.count - len(part.refused) for part in ordered if part.repeated)
        self.ids = Ids(ordered)

    def __len__(self) -> int:
        """How many notifications were given."""
        return len(self.ids)

    def __bool__(self) -> bool:
        """Whether anything was accepted."""
        return self.accepted > 0

    def __repr__(self) -> str:
        before = f", {self.repeated} of them before" if self.repeated else ""
        return f"<Receipt: {self.accepted} accepted{before}, {len(self.refused)} refused>"


class PartlySent(PushgateError):
    """A batch was accepted in part, then something went wrong: that is the `__cause__`.

    When it had an idempotency key, the same call can be repeated: what was accepted is not sent again.

    :ivar receipt: what is known; a notification that has neither id nor refusal in it was not sent, or its
        fate is not known when the cause is `FateUnknown`.
    """

    def __init__(self, receipt: PushReceipt) -> None:
        super().__init__(f"{receipt.accepted} notifications were accepted before the batch failed")
        self.receipt = receipt


def receipt_of(parts: Iterable[ReceiptPart], error: Exception | None, refusal: Refusal | None) -> PushReceipt:
    """The receipt of a batch that is over.

    :param error: what ended it.
    :param refusal: the first that was about the notifications of a chunk.
    :raises PartlySent: an error came after something was accepted.
    :raises Exception: the error, or the refusal, when nothing was.
    """
    receipt = PushReceipt(parts)
    if error is not None and receipt:
        raise PartlySent(receipt) from error
    ended = error or refusal
    if ended is not None and not receipt:
        raise ended
    return receipt
