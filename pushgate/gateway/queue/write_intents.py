"""What is written under at-most-once is put on record before: after a crash it might have been sent."""

from collections.abc import Callable, Sequence
from typing import Final

from pushgate.gateway.queue.priority_queue import PriorityQueue
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch, Delivery

AHEAD: Final = 2000
"""Notifications of one priority whose writing is put on record in advance."""


class WriteIntents:
    """Keeps a commit's worth of a queue ahead of the writing; nothing that is not recorded is given out.

    :param recorded: called when more may be taken from the queue.
    """

    def __init__(self, queue: PriorityQueue, spool: ISpool, recorded: Callable[[], None]) -> None:
        self._queue, self._spool, self._recorded = queue, spool, recorded
        self._any = self._busy = False

    def needed(self, batch: Batch) -> bool:
        """Return True if a batch has to be on record first: it is kept, and must not be sent twice."""
        return bool(self._spool.pages) and batch.delivery is Delivery.AT_MOST_ONCE

    def added(self) -> None:
        """Watch the queue from now on: something was put into it that has to be recorded."""
        self._any = True
        self.record()

    def record(self) -> None:
        """Record what is to be written next, if that is not under way."""
        if not self._any or self._busy:
            return
        spans = self._queue.uncleared(AHEAD)
        if spans:
            self._busy = True
            self._spool.intend(spans).addCallback(lambda _: self._cleared(spans))

    def forgo(self) -> None:
        """Take back what was recorded and will not be written any more."""
        self._spool.forgo([span for span in self._queue if span.batch.delivery is Delivery.AT_MOST_ONCE])

    def _cleared(self, spans: Sequence[BatchSlice]) -> None:
        self._busy = False
        for span in spans:
            self._queue.clear(span)
        self._recorded()
