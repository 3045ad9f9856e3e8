"""The notifications that one connection has written and that are not settled, in the order of writing.

The identifier of a frame is its place on the connection: 1 for the first, up to 2^32-1, then 1 again; never
0, which the service uses for "unknown". Places are never compared as numbers on the wire: an identifier
is looked up by its distance from the oldest place that is still remembered.

Nothing is evicted to make room. What was presumed moves to the recall ring, where an error that comes late
still finds it.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice

IDENTIFIERS: Final = (1 << 32) - 1
"""How many identifiers there are: 1 to 2^32-1."""


class WindowRun(msgspec.Struct):
    """A span as it was written.

    :param place: of its first member on this connection, counted from 0 without end.
    :param written_at: monotonic seconds when the transport had room for it; None while it has not.
    """

    span: BatchSlice
    place: int
    written_at: float | None


class Window:
    """In-flight runs and, before them, presumed ones.

    :param ring: presumed notifications to remember at most.
    :param first: the place of the first frame; only tests start elsewhere than at 0.
    :ivar size: notifications in flight.
    :ivar presumed: notifications in the recall ring.
    """

    def __init__(self, ring: int, first: int = 0) -> None:
        self._runs: deque[WindowRun] = deque()
        self._presumed: deque[WindowRun] = deque()
        self._ring, self._next = ring, first
        self.size = 0
        self.presumed = 0

    @property
    def _oldest(self) -> int:
        """The first place that is remembered."""
        for runs in (self._presumed, self._runs):
            if runs:
                return runs[0].place
        return self._next

    def add(self, span: BatchSlice, now: float | None) -> range:
        """Enter a span as written; return the places of its members."""
        self._runs.append(WindowRun(span, self._next, now))
        places = range(self._next, self._next + len(span))
        self._next += len(span)
        self.size += len(span)
        return places

    def skip(self) -> int:
        """Use up the next place for a frame that is no notification; return it."""
        self._next += 1
        return self._next - 1

    def drained(self, now: float) -> None:
        """The transport has room again: what waited in its buffer counts as written at `now`."""
        for run in reversed(self._runs):
            if run.written_at is not None:
                break
            run.written_at = now

    def presume(self, before: float) -> list[BatchSlice]:
        """Move what was written at or before this time to the recall ring; return it."""
        spans = []
        while self._runs and (at := self._runs[0].written_at) is not None and at <= before:
            run = self._runs.popleft()
            self._presumed.append(run)
            spans.append(run.span)
            self.size -= len(run.span)
            self.presumed += len(run.span)
        while self.presumed > self._ring:
            self._forget()
        return spans

    def forget(self, before: float) -> None:
        """Drop what was written at or before this time from the recall ring."""
        while self._presumed and (self._presumed[0].written_at or 0.0) <= before:
            self._forget()

    def _forget(self) -> None:
        self.presumed -= len(self._presumed.popleft().span)

    def locate(self, identifier: int) -> int | None:
        """The place that carries this identifier, in flight or presumed; None when there is none."""
        if not 1 <= identifier <= IDENTIFIERS:
            return None
        place = self._oldest + (identifier - 1 - self._oldest) % IDENTIFIERS
        return place if place < self._next else None

    def spans(self, start: int | None = None, stop: int | None = None) -> list[BatchSlice]:
        """What is in flight at places `start` to `stop` (excluded), in order."""
        return _cut(self._runs, start, stop)

    def presumed_spans(self, start: int | None = None, stop: int | None = None) -> list[BatchSlice]:
        """What is in the recall ring at places `start` to `stop` (excluded), in order."""
        return _cut(self._presumed, start, stop)

    def find(self, order: int, index: int) -> BatchSlice | None:
        """The span in flight that holds member `index` of the batch of this order; checks every run."""
        for run in self._runs:
            span = run.span
            if span.batch.order == order and span.start <= index < span.stop:
                return span
        return None

    def clear(self) -> None:
        """Forget everything: the connection's end was dealt with."""
        self._runs.clear()
        self._presumed.clear()
        self.size = self.presumed = 0


def identifier(place: int) -> int:
    """The identifier on the wire of the frame at this place."""
    return place % IDENTIFIERS + 1


def _cut(runs: Iterable[WindowRun], start: int | None, stop: int | None) -> list[BatchSlice]:
    spans = []
    for run in runs:
        end = run.place + len(run.span)
        low = run.place if start is None else max(start, run.place)
        high = end if stop is None else min(stop, end)
        if low < high:
            first = run.span.start - run.place
            spans.append(run.span.part(first + low, first + high))
    return spans
