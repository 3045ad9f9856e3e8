"""A run of members of one batch, and what it has been through."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from pushgate.model.history import Past, Step, later
from pushgate.model.notification import Batch

Runs = Sequence[tuple[int, int]]
"""Members of a batch: first and end of each run."""


class BatchSlice(msgspec.Struct, frozen=True, gc=False):
    """Members `start` to `stop` (excluded) of a batch, which travel together.

    :param attempts: how often they were written.
    :param retries: how often the push service refused them with a temporary status.
    :param closes: how often a connection died without a word while they were in flight on it.
    :param alone: at most so many notifications may be in flight together with these, none of them others;
        0: no limit. Set to corner a notification that closes connections.
    :param recalled: they were reported as presumed, and something later proved more: what is reported next
        corrects that.
    :param cleared: they may be written. Under at-most-once that must be on record first.
    :param past: what happened to them so far.
    """

    batch: Batch
    start: int
    stop: int
    attempts: int = 0
    retries: int = 0
    closes: int = 0
    alone: int = 0
    recalled: bool = False
    cleared: bool = True
    past: Past = ()

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def place(self) -> tuple[int, int]:
        """Where it belongs in its queue: batches in the order of acceptance, members in theirs."""
        return self.batch.order, self.start

    def part(self, start: int, stop: int) -> "BatchSlice":
        """The members `start` to `stop` of the batch, with the same history."""
        if start == self.start and stop == self.stop:
            return self
        return BatchSlice(
            self.batch,
            start,
            stop,
            self.attempts,
            self.retries,
            self.closes,
            self.alone,
            self.recalled,
            self.cleared,
            self.past,
        )

    def written(self, step: Step | None = None) -> "BatchSlice":
        """The same once more written; `step` says when and on which connection."""
        past = later(self.past, step) if step else self.past
        return replace(self, attempts=self.attempts + 1, past=past)

    def noted(self, step: Step) -> "BatchSlice":
        """The same after one more step."""
        return replace(self, past=later(self.past, step))

    def tokens(self) -> list[bytes]:
        """The device tokens."""
        return self.batch.tokens.slice(self.start, self.stop)

    def payloads(self) -> list[bytes]:
        """The payloads."""
        return self.batch.payloads(self.start, self.stop)


def without(count: int, holes: tuple[int, ...]) -> list[tuple[int, int]]:
    """The runs that are left of 0 to `count` when the indices `holes`, ascending, are taken out."""
    runs, start = [], 0
    for hole in (*holes, count):
        if hole > start:
            runs.append((start, hole))
        start = hole + 1
    return runs


def overlap(runs: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What `runs`, apart from each other and ascending, have in common with `others`, which are so too."""
    common = [(max(a, c), min(b, d)) for a, b in runs for c, d in others]
    return [(start, stop) for start, stop in common if start < stop]


def outside(runs: Sequence[tuple[int, int]], taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of `runs` when `taken` is taken out; both may be in any order."""
    left = []
    taken = sorted(taken)
    for start, stop in sorted(runs):
        at = start
        for low, high in taken:
            if at < low < stop:
                left.append((at, low))
            at = max(at, high) if low < stop else at
        if at < stop:
            left.append((at, stop))
    return left
