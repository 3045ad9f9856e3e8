"""What callers want of one notification, or of its batch, by its number, wherever it is."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from pushgate.gateway.apps.app_registry import AppRegistry
from pushgate.gateway.outcome_sources import OutcomeSources, member
from pushgate.gateway.outcomes.outbox import Outbox
from pushgate.gateway.outcomes.recorder import OutcomeRecorder
from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import NotFound
from pushgate.model.notification import MAX_BATCH, Batch
from pushgate.model.outcome import Outcome, State, Verdict
from pushgate.model.trace import Trace
from pushgate.plugin.interfaces import Context, ISpool, Kept


class Lookup:
    """Finds it, and tells of it or changes it.

    Each method raises `NotFound`, or its Deferred fails with it, when there is none of this number.
    """

    def __init__(
        self,
        context: Context,
        spool: ISpool,
        roster: AppRegistry,
        ledger: OutcomeTracker,
        outbox: Outbox,
        books: OutcomeRecorder,
    ) -> None:
        self._spool, self._roster, self._ledger = spool, roster, ledger
        self._outbox, self._books = outbox, books
        self._inquiry = OutcomeSources(outbox, context.wall)

    def status(self, number: int) -> Outcome | Deferred[Outcome]:
        """See `IGateway.status`."""
        try:
            entry, index = self._ledger.find(number)
        except NotFound:
            if not (self._spool.pages or self._outbox.histories()):
                raise
            return Deferred.fromCoroutine(self._kept_status(number))
        outcome = entry.outcome(index)
        if outcome is not None:
            return member(outcome, index)
        work = self._roster.work(entry.batch.app)
        span = work.lane.find(entry.batch, index)
        state = State.QUEUED if span else State.WRITTEN
        return self._inquiry.on_its_way(span or work.whole(entry.batch), index, state)

    async def trace(self, number: int) -> Trace:
        """See `IGateway.trace`."""
        told, way = await self._whereabouts(number)
        return await self._inquiry.trace(number, told, way)

    def cancel(self, number: int) -> bool | Deferred[bool]:
        """See `IGateway.cancel`."""
        try:
            entry, index = self._ledger.find(number)
        except NotFound:
            if not self._spool.pages:
                raise
            return Deferred.fromCoroutine(self._cancel_kept(number))
        return self._roster.work(entry.batch.app).withdraw(entry.batch, index)

    def pace(self, number: int, rate: float) -> bool | Deferred[bool]:
        """See `IGateway.pace_batch`."""
        try:
            entry, _ = self._ledger.find(number)
        except NotFound:
            if not self._spool.pages:
                raise
            return Deferred.fromCoroutine(self._pace_kept(number, rate))
        return self._pace(entry.batch, bool(entry.remaining), rate)

    async def flush(self, number: int) -> int:
        """See `IGateway.flush`."""
        try:
            batch = self._ledger.batch(number)
        except NotFound:
            kept = await self._spool.find(number) if self._spool.pages else None
            batch = kept.batch if kept else self._ledger.batch(number)
        if batch.app not in self._roster.apps or number % MAX_BATCH >= len(batch):
            raise NotFound
        return await self._roster.apps[batch.app].flushes.ask()

    async def _kept_status(self, number: int) -> Outcome:
        try:
            kept, index, waits = await self._find_kept(number)
        except NotFound:
            return await self._inquiry.last(number)
        if kept is None:
            outcome = self.status(number)
            return await outcome if isinstance(outcome, Deferred) else outcome
        if not waits:
            return await self._inquiry.last(number)
        span = BatchSlice(kept.batch, 0, len(kept.batch))
        return self._inquiry.on_its_way(span, index, State.QUEUED)

    async def _whereabouts(self, number: int) -> tuple[list[Outcome], Outcome | None]:
        """The outcomes of a notification in memory, and where it is on its way."""
        if not self._ledger.has(number):
            try:
                kept, index, waits = await self._find_kept(number)
            except NotFound:
                return [], None
            if kept is not None:
                span = BatchSlice(kept.batch, 0, len(kept.batch))
                return [], self._inquiry.on_its_way(span, index, State.QUEUED) if waits else None
        entry, index = self._ledger.find(number)
        work = self._roster.work(entry.batch.app)
        return self._inquiry.told(entry, index), self._inquiry.way(work, entry, index)

    async def _cancel_kept(self, number: int) -> bool:
        kept, index, waits = await self._find_kept(number)
        if kept is None:
            done = self.cancel(number)
            return await done if isinstance(done, Deferred) else done
        if not waits:
            return False
        work, batch = self._roster.apps[kept.batch.app], kept.batch
        work.backlog.withdrawn(batch)
        outcome = work.outcome(Verdict(BatchSlice(batch, index, index + 1), State.CANCELLED))
        alone = sum(stop - start for start, stop in kept.left) == 1
        self._books.tell(work.app, [outcome], [batch] if alone else [])
        return True

    async def _pace_kept(self, number: int, rate: float) -> bool:
        kept, _, _ = await self._find_kept(number)
        if kept is None:
            done = self.pace(number, rate)
            return await done if isinstance(done, Deferred) else done
        return self._pace(kept.batch, bool(kept.left), rate)

    def _pace(self, batch: Batch, unsettled: bool, rate: float) -> bool:
        if unsettled:
            self._roster.apps[batch.app].pace(batch, rate)
        return unsettled

    async def _find_kept(self, number: int) -> tuple[Kept | None, int, bool]:
        """A batch that is in the spool only, the index in it, and whether that member waits.

        None when it is in memory by now. A page on its way may hold it as it was before: so look again then.
        """
        while True:
            kept = await self._spool.find(number)
            index = number % MAX_BATCH
            if self._ledger.has(number):
                return None, index, True
            if kept is None or index >= len(kept.batch) or index in kept.batch.refused:
                raise NotFound
            if kept.batch.app not in self._roster.apps:
                raise NotFound
            if not self._roster.apps[kept.batch.app].backlog.loading:
                return kept, index, _in(index, kept.left)


def _in(index: int, runs: Sequence[tuple[int, int]]) -> bool:
    return any(start <= index < stop for start, stop in runs)
