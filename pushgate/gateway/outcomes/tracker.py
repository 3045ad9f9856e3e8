"""What is known of every accepted batch: the outcomes so far, and for a while those of finished ones."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from operator import attrgetter
from typing import Self

import msgspec
from msgspec.structs import replace

from pushgate.model.batch_slice import Runs, without
from pushgate.model.errors import NotFound
from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, State

_start = attrgetter("span.start")
_MEMBER_BITS = 16


class TrackedBatch(msgspec.Struct, gc=False, eq=False):
    """One batch and the outcomes of its members, as ranges in order of index.

    There may be one for each notification that waits. Python's garbage collector stops everything to look at
    all it knows of, so this, which is in no circle, is unknown to it, and has no list before it needs one.

    :param live: the members it is about: neither refused nor settled in an earlier life of the gateway.
    :param remaining: members without an outcome.
    :param corrected: outcomes that were reported and are not true any more.
    """

    batch: Batch
    live: tuple[tuple[int, int], ...]
    remaining: int
    outcomes: Sequence[Outcome] = ()
    corrected: Sequence[Outcome] = ()

    @classmethod
    def of(cls, batch: Batch, live: Runs) -> Self:
        """One without any outcome yet."""
        return cls(batch, tuple(live), sum(stop - start for start, stop in live))

    def __contains__(self, index: int) -> bool:
        return any(start <= index < stop for start, stop in self.live)

    def outcome(self, index: int) -> Outcome | None:
        """The outcome of member `index`, None while it has none."""
        at = bisect_right(self.outcomes, index, key=_start) - 1
        if at >= 0 and self.outcomes[at].span.stop > index:
            return self.outcomes[at]
        return None

    def reported(self, index: int) -> list[Outcome]:
        """Every outcome that member `index` had, the valid one last."""
        last = self.outcome(index)
        old = [each for each in self.corrected if each.span.start <= index < each.span.stop]
        return old if last is None else [*old, last]

    def add(self, new: Outcome) -> None:
        """Enter an outcome; one of a recalled span takes the place of what was presumed.

        :raises ValueError: when a member has its outcome already and this does not correct a presumed one.
        """
        start, stop = new.span.start, new.span.stop
        at = bisect_right(self.outcomes, start, key=_start)
        low = at - 1 if at and self.outcomes[at - 1].span.stop > start else at
        high = bisect_right(self.outcomes, stop - 1, lo=low, key=_start)
        replaced = self.outcomes[low:high]
        if replaced and not (new.span.recalled and all(old.state is State.PRESUMED for old in replaced)):
            raise ValueError(f"members {start} to {stop} of a batch were settled twice")
        if replaced:
            self.corrected = [*self.corrected, *(_within(old, start, stop) for old in replaced)]
        kept = [part for old in replaced for part in _outside(old, start, stop)]
        if isinstance(self.outcomes, list):
            self.outcomes[low:high] = sorted([*kept, new], key=_start)
        elif self.outcomes:
            self.outcomes = [*self.outcomes[:low], *sorted([*kept, new], key=_start), *self.outcomes[high:]]
        else:
            self.outcomes = (new,)
        self.remaining -= len(new.span) - sum(map(_length, replaced)) + sum(map(_length, kept))


class OutcomeTracker:
    """Every batch that is under way, and the last ones that are done.

    :param kept: notifications of finished batches to remember, without their payloads.
    """

    def __init__(self, kept: int = 500_000) -> None:
        self._open: dict[int, TrackedBatch] = {}
        self._done: OrderedDict[int, TrackedBatch] = OrderedDict()
        self._kept, self._room = kept, kept
        self.unsettled = 0

    def open(self, batch: Batch, live: Runs | None = None) -> None:
        """Enter an accepted batch.

        :param live: the members that have no outcome yet; all that were not refused when None.
        """
        entry = TrackedBatch.of(batch, without(len(batch), batch.refused) if live is None else live)
        self._open[batch.id >> _MEMBER_BITS] = entry
        self.unsettled += entry.remaining

    def settle(self, outcome: Outcome) -> bool:
        """Enter an outcome; return True when its batch is complete with it.

        :raises ValueError: when a notification would get a second outcome that is no correction.
        """
        key = outcome.span.batch.id >> _MEMBER_BITS
        entry = self._open.get(key)
        if entry is None:
            return self._correct(key, outcome)
        before = entry.remaining
        entry.add(outcome)
        self.unsettled -= before - entry.remaining
        if entry.remaining:
            return False
        self._close(key, entry)
        return True

    def find(self, number: int) -> tuple[TrackedBatch, int]:
        """The entry that holds the notification with this id, and its index.

        :raises NotFound: when it is unknown, was refused, or is forgotten.
        """
        key, index = number >> _MEMBER_BITS, number & ((1 << _MEMBER_BITS) - 1)
        entry = self._open.get(key) or self._done.get(key)
        if entry is None or index not in entry:
            raise NotFound
        return entry, index

    def batch(self, number: int) -> Batch:
        """The batch that has this id, or holds the notification that does.

        :raises NotFound: when it is unknown or forgotten.
        """
        key, index = number >> _MEMBER_BITS, number & ((1 << _MEMBER_BITS) - 1)
        entry = self._open.get(key) or self._done.get(key)
        if entry is None or index >= len(entry.batch):
            raise NotFound
        return entry.batch

    def forget(self, app: str) -> None:
        """Drop what is under way of an app that is gone, as if it had never been entered."""
        for key in [key for key, entry in self._open.items() if entry.batch.app == app]:
            self.unsettled -= self._open.pop(key).remaining

    def has(self, number: int) -> bool:
        """Whether `find` finds it."""
        try:
            self.find(number)
        except NotFound:
            return False
        return True

    def _correct(self, key: int, outcome: Outcome) -> bool:
        entry = self._done.get(key)
        if entry is not None:
            entry.add(_light(outcome, entry.batch))
        elif not outcome.span.recalled:
            raise ValueError("an outcome for a batch that is not under way")
        return False

    def _close(self, key: int, entry: TrackedBatch) -> None:
        """Move a complete entry to the finished ones, without payloads; forget the oldest beyond `kept`."""
        del self._open[key]
        entry.batch = replace(entry.batch, payload=b"")
        entry.outcomes = tuple([_light(outcome, entry.batch) for outcome in entry.outcomes])
        entry.corrected = tuple([_light(outcome, entry.batch) for outcome in entry.corrected])
        self._done[key] = entry
        self._room -= len(entry.batch)
        while self._room < 0:
            self._room += len(self._done.popitem(last=False)[1].batch)


def _length(outcome: Outcome) -> int:
    return len(outcome.span)


def _within(old: Outcome, start: int, stop: int) -> Outcome:
    """What `old` says of members `start` to `stop`."""
    span = old.span
    return replace(old, span=span.part(max(span.start, start), min(span.stop, stop)))


def _outside(old: Outcome, start: int, stop: int) -> list[Outcome]:
    """What is left of `old` when members `start` to `stop` are taken out."""
    span = old.span
    runs = [(span.start, min(span.stop, start)), (max(span.start, stop), span.stop)]
    return [replace(old, span=span.part(*run)) for run in runs if run[0] < run[1]]


def _light(outcome: Outcome, batch: Batch) -> Outcome:
    """The outcome over `batch`, which has no payload, so that it does not hold the payloads in memory."""
    return replace(outcome, span=replace(outcome.span, batch=batch))
