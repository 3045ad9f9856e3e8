"""What is written under at-most-once is put on record before: after a crash it might have been sent.

So all that is on record and has no outcome is in doubt after a crash, written or not. On record is therefore
what the upstream asked for and, so that it need not stop while a commit runs, what it takes during two of
them. While nothing is taken, because the push service cannot be reached or windows are full, nothing more is
recorded.
"""

from collections.abc import Callable, Sequence
from math import exp
from typing import Any, Final

from pushgate.gateway.queue.priority_queue import PriorityQueue
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch, Delivery

LEAST: Final = 16
MOST: Final = 2000
"""Notifications of one priority that are put on record beyond what was asked for, at least and at most."""
SOON: Final = 0.02
"""Seconds' worth of what is taken that goes on record at least, however quick a commit is: each costs."""
_MEMORY: Final = 0.15
"""Seconds after which what was taken counts for a third in the rate."""


class WriteIntents:
    """Keeps a commit's worth of a queue ahead of the writing; nothing that is not recorded is given out.

    :param recorded: called when more may be taken from the queue.
    :param clock: provides IReactorTime.
    """

    def __init__(self, queue: PriorityQueue, spool: ISpool, recorded: Callable[[], None], clock: Any) -> None:
        self._queue, self._spool, self._recorded, self._clock = queue, spool, recorded, clock
        self._any = self._busy = False
        self._rate, self._rated_at = 0.0, 0.0
        self._commit = 0.0  # seconds that one takes
        self._missing = 0  # what was asked for at once and waits
        self._waited = False  # something did, since the last record

    def needed(self, batch: Batch) -> bool:
        """Return True if a batch has to be on record first: it is kept, and must not be sent twice."""
        return bool(self._spool.pages) and batch.delivery is Delivery.AT_MOST_ONCE

    def added(self) -> None:
        """Note that something was put into the queue that has to be recorded before it is taken."""
        self._any = True

    def taken(self, wanted: int, spans: Sequence[BatchSlice]) -> None:
        """Note what of `wanted` notifications was taken, and record what will be asked for next."""
        if not self._any:
            return
        self._count(sum(len(span) for span in spans if span.batch.delivery is Delivery.AT_MOST_ONCE))
        if self._queue.is_held:
            self._missing = max(self._missing, wanted - sum(map(len, spans)))
            self._waited = self._waited or self._missing > 0
        if not self._busy:
            self._record()

    def forgo(self) -> None:
        """Take back what was recorded and will not be written any more."""
        self._spool.forgo([span for span in self._queue if span.batch.delivery is Delivery.AT_MOST_ONCE])

    def _count(self, taken: int) -> None:
        now = self._clock.seconds()
        self._rate = self._rate * exp((self._rated_at - now) / _MEMORY) + taken / _MEMORY
        self._rated_at = now

    def _record(self) -> None:
        seconds = max(SOON, 2 * self._commit)
        # What had to wait would have been taken, and shows in no rate.
        ahead = min(MOST, max(LEAST, int(self._rate * seconds * (2 if self._waited else 1))))
        spans = self._queue.uncleared(max(ahead, self._missing))
        if spans and (self._missing or sum(map(len, spans)) >= ahead // 2):
            self._busy, self._waited, self._missing = True, False, 0
            self._spool.intend(spans).addCallback(self._cleared, spans, self._clock.seconds())

    def _cleared(self, _: None, spans: Sequence[BatchSlice], began: float) -> None:
        self._busy, self._missing = False, 0
        self._commit = (3 * self._commit + self._clock.seconds() - began) / 4
        for span in spans:
            self._queue.clear(span)
        self._recorded()
