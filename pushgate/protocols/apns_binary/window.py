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
    :param written_at: monotonic seconds when it was known to be acknowledged; None while it is not.
    :param end: bytes of the stream up to its last.
    """

    span: BatchSlice
    place: int
    written_at: float | None
    end: int = 0


class Window:
    """In-flight runs and, before them, presumed ones.

    :param ring: presumed notifications to remember at most.
    :param first: the place of the first frame; only tests start elsewhere than at 0.
    :ivar next: the place of the next frame.
    :ivar size: notifications in flight.
    :ivar presumed: notifications in the recall ring.
    """

    def __init__(self, ring: int, first: int = 0) -> None:
        self._runs: deque[WindowRun] = deque()
        self._presumed: deque[WindowRun] = deque()
        self._unacknowledged: deque[WindowRun] = deque()
        self._ring, self.next = ring, first
        self.size = 0
        self.presumed = 0

    @property
    def _oldest(self) -> int:
        """The first place that is remembered."""
        for runs in (self._presumed, self._runs):
            if runs:
                return runs[0].place
        return self.next

    @property
    def is_acknowledged(self) -> bool:
        """Whether the peer has all of it, as far as TCP knows."""
        return not self._unacknowledged

    def add(self, span: BatchSlice, now: float | None, end: int = 0) -> range:
        """Enter a span as written; return the places of its members.

        :param now: monotonic seconds; None until `acknowledged` reaches `end`.
        :param end: bytes of the stream up to the last of this span.
        """
        run = WindowRun(span, self.next, now, end)
        self._runs.append(run)
        if now is None:
            self._unacknowledged.append(run)
        places = range(self.next, self.next + len(span))
        self.next += len(span)
        self.size += len(span)
        return places

    def skip(self) -> int:
        """Use up the next place for a frame that is no notification; return it."""
        self.next += 1
        return self.next - 1

    def acknowledged(self, position: int, now: float) -> None:
        """So many bytes of the stream are acknowledged: what ends within them counts as written at `now`."""
        while self._unacknowledged and self._unacknowledged[0].end <= position:
            self._unacknowledged.popleft().written_at = now

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
        return place if place < self.next else None

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
        self._unacknowledged.clear()
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
