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
    """Keeps a commit's worth of a lane ahead of the writing; the lane gives out nothing that is not recorded.

    :param recorded: called when more may be taken from the lane.
    """

    def __init__(self, lane: PriorityQueue, spool: ISpool, recorded: Callable[[], None]) -> None:
        self._lane, self._spool, self._recorded = lane, spool, recorded
        self._any = self._busy = False

    def needed(self, batch: Batch) -> bool:
        """Whether a batch has to be on record first: it must not be sent twice, and a crash is survived."""
        return bool(self._spool.pages) and batch.delivery is Delivery.AT_MOST_ONCE

    def added(self) -> None:
        """Look after the lane from now on: something was put into it that has to be recorded."""
        self._any = True
        self.record()

    def record(self) -> None:
        """Record what is to be written next, if that is not under way."""
        if not self._any or self._busy:
            return
        spans = self._lane.uncleared(AHEAD)
        if spans:
            self._busy = True
            self._spool.intend(spans).addCallback(lambda _: self._cleared(spans))

    def forgo(self) -> None:
        """Take back what was recorded and will not be written any more."""
        self._spool.forgo([span for span in self._lane if span.batch.delivery is Delivery.AT_MOST_ONCE])

    def _cleared(self, spans: Sequence[BatchSlice]) -> None:
        self._busy = False
        for span in spans:
            self._lane.clear(span)
        self._recorded()
