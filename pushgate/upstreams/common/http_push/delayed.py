"""Notifications that wait for a while before they are sent again."""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch

FULL: Final = 20_000
"""Notifications that wait at a time; with more, nothing new is written: most of what is sent comes back."""


class Delayed:
    """Keeps slices until they are due, and the devices that nothing is to be sent to until then.

    :param reactor: provides IReactorTime.
    :param due: given what is due.
    :ivar size: notifications that wait.
    """

    def __init__(self, reactor: Any, due: Callable[[list[BatchSlice]], None]) -> None:
        self._reactor, self._due = reactor, due
        self._heap: list[tuple[float, int, BatchSlice]] = []
        self._devices: dict[bytes, float] = {}
        self._order = count()
        self._timer: IDelayedCall | None = None
        self.size = 0

    @property
    def is_full(self) -> bool:
        """Whether so many wait that nothing new should be written."""
        return self.size >= FULL

    def add(self, span: BatchSlice, seconds: float) -> None:
        """Have a slice wait."""
        heappush(self._heap, (self._reactor.seconds() + seconds, next(self._order), span))
        self.size += len(span)
        self._set_timer()

    def add_device(self, span: BatchSlice, seconds: float) -> None:
        """Have a slice of one member wait, and whatever else is for its device."""
        self._devices[span.tokens()[0]] = self._reactor.seconds() + seconds
        self.add(span, seconds)

    def sift(self, spans: Iterable[BatchSlice]) -> list[BatchSlice]:
        """Keep what is for devices that wait; return the rest."""
        if not self._devices:
            return list(spans)
        now, free = self._reactor.seconds(), list[BatchSlice]()
        for span in spans:
            start = span.start
            for index, token in enumerate(span.tokens(), span.start):
                until = self._devices.get(token, now)
                if until > now:
                    if index > start:
                        free.append(span.part(start, index))
                    self.add(span.part(index, index + 1), until - now)
                    start = index + 1
            if start < span.stop:
                free.append(span.part(start, span.stop))
        return free

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        """The slice that waits and holds this member."""
        spans = (span for _, _, span in self._heap if span.batch.order == batch.order)
        return next((span for span in spans if span.start <= index < span.stop), None)

    def empty(self) -> list[BatchSlice]:
        """Everything that waits, which waits no more."""
        spans = [span for _, _, span in sorted(self._heap)]
        self._heap.clear()
        self._devices.clear()
        self.size = 0
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        return spans

    def _set_timer(self) -> None:
        due = self._heap[0][0]
        if self._timer is not None and self._timer.active():
            if self._timer.getTime() <= due:
                return
            self._timer.cancel()
        self._timer = self._reactor.callLater(max(0.0, due - self._reactor.seconds()), self._fire)

    def _fire(self) -> None:
        now, spans = self._reactor.seconds(), []
        while self._heap and self._heap[0][0] <= now:
            spans.append(heappop(self._heap)[2])
        self.size -= sum(map(len, spans))
        self._devices = {token: until for token, until in self._devices.items() if until > now}
        if self._heap:
            self._set_timer()
        self._due(spans)
