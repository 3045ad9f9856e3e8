"""Questions and requests about one notification, or its batch, by its number, wherever it is."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from pushgate.gateway.apps.app_registry import AppRegistry
from pushgate.gateway.outcome_sources import OutcomeSources, member, written
from pushgate.gateway.outcomes.outbox import Outbox
from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.gateway.spool.interface import ISpool, Kept
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import NotFound
from pushgate.model.notification import MAX_BATCH, Batch
from pushgate.model.outcome import Outcome, State
from pushgate.model.trace import NotificationTrace
from pushgate.plugin.context import Context


class Lookup:
    """Finds a notification, and reports on it or changes it.

    Each method raises `NotFound`, or its Deferred fails with it, when there is none of this number.
    """

    def __init__(
        self,
        context: Context,
        spool: ISpool,
        apps: AppRegistry,
        tracker: OutcomeTracker,
        outbox: Outbox,
    ) -> None:
        self._spool, self._apps, self._tracker, self._outbox = spool, apps, tracker, outbox
        self._sources = OutcomeSources(outbox, context.wall)

    def status(self, number: int) -> Outcome | Deferred[Outcome]:
        """See `IGateway.status`."""
        try:
            entry, index = self._tracker.find(number)
        except NotFound:
            if not (self._spool.pages or self._outbox.histories()):
                raise
            return Deferred.fromCoroutine(self._kept_status(number))
        outcome = entry.outcome(index)
        if outcome is not None:
            return member(outcome, index)
        app = self._apps.under_way(entry.batch.app)
        if app.queue.find(entry.batch, index) is None and not app.slot.state().delayed:
            # All that the upstream has taken is written; a full window would take long to look through.
            return self._sources.on_its_way(written(entry.batch), index, State.WRITTEN)
        pending = self._sources.pending(app, entry, index)
        assert pending is not None  # as it has no outcome
        return pending

    async def trace(self, number: int) -> NotificationTrace:
        """See `IGateway.trace`."""
        reported, pending = await self._whereabouts(number)
        return await self._sources.trace(number, reported, pending)

    def cancel(self, number: int) -> bool | Deferred[bool]:
        """See `IGateway.cancel`."""
        try:
            entry, index = self._tracker.find(number)
        except NotFound:
            if not self._spool.pages:
                raise
            return Deferred.fromCoroutine(self._cancel_kept(number))
        return self._apps.under_way(entry.batch.app).queue.withdraw(entry.batch, index)

    def pace(self, number: int, rate: float) -> bool | Deferred[bool]:
        """See `IGateway.pace_batch`."""
        try:
            entry, _ = self._tracker.find(number)
        except NotFound:
            if not self._spool.pages:
                raise
            return Deferred.fromCoroutine(self._pace_kept(number, rate))
        return self._pace(entry.batch, bool(entry.remaining), rate)

    async def flush(self, number: int) -> int:
        """See `IGateway.flush`."""
        try:
            batch = self._tracker.batch(number)
        except NotFound:
            kept = await self._spool.find(number) if self._spool.pages else None
            batch = kept.batch if kept else self._tracker.batch(number)
        if number % MAX_BATCH >= len(batch):
            raise NotFound
        return await self._apps.of_batch(batch.app).proof.ask()

    async def _kept_status(self, number: int) -> Outcome:
        try:
            kept, index, waits = await self._find_kept(number)
        except NotFound:
            return await self._sources.last(number)
        if kept is None:
            outcome = self.status(number)
            return await outcome if isinstance(outcome, Deferred) else outcome
        if not waits:
            return await self._sources.last(number)
        span = BatchSlice(kept.batch, 0, len(kept.batch))
        return self._sources.on_its_way(span, index, State.QUEUED)

    async def _whereabouts(self, number: int) -> tuple[list[Outcome], Outcome | None]:
        """The outcomes of a notification in memory, and where it is on its way."""
        if not self._tracker.has(number):
            try:
                kept, index, waits = await self._find_kept(number)
            except NotFound:
                return [], None
            if kept is not None:
                span = BatchSlice(kept.batch, 0, len(kept.batch))
                return [], self._sources.on_its_way(span, index, State.QUEUED) if waits else None
        entry, index = self._tracker.find(number)
        app = self._apps.under_way(entry.batch.app)
        return self._sources.reported(entry, index), self._sources.pending(app, entry, index)

    async def _cancel_kept(self, number: int) -> bool:
        kept, index, waits = await self._find_kept(number)
        if kept is None:
            done = self.cancel(number)
            return await done if isinstance(done, Deferred) else done
        if not waits:
            return False
        self._apps.of_batch(kept.batch.app).queue.withdraw_kept(kept, index)
        return True

    async def _pace_kept(self, number: int, rate: float) -> bool:
        kept, _, _ = await self._find_kept(number)
        if kept is None:
            done = self.pace(number, rate)
            return await done if isinstance(done, Deferred) else done
        return self._pace(kept.batch, bool(kept.left), rate)

    def _pace(self, batch: Batch, unsettled: bool, rate: float) -> bool:
        if unsettled:
            self._apps.of_batch(batch.app).queue.pace(batch, rate)
        return unsettled

    async def _find_kept(self, number: int) -> tuple[Kept | None, int, bool]:
        """A batch that is in the spool only, the index in it, and whether that member waits.

        None when it is in memory by now. A page on its way may hold it as it was before: so look again then.
        """
        while True:
            kept = await self._spool.find(number)
            index = number % MAX_BATCH
            if self._tracker.has(number):
                return None, index, True
            if kept is None or index >= len(kept.batch) or index in kept.batch.refused:
                raise NotFound
            if not self._apps.of_batch(kept.batch.app).queue.loading:
                return kept, index, _in(index, kept.left)


def _in(index: int, runs: Sequence[tuple[int, int]]) -> bool:
    return any(start <= index < stop for start, stop in runs)
