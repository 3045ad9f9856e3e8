"""The way in: a submission is checked, becomes a batch, is kept, and is put into its app's queue."""

from collections.abc import Callable

from pushgate.gateway.apps.app_registry import AppRegistry
from pushgate.gateway.limits import Limits
from pushgate.gateway.outcomes.batch_callbacks import BatchCallbacks
from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.gateway.queue.app_queue import Work
from pushgate.model.errors import Overloaded, Refusal, ShuttingDown
from pushgate.model.notification import Batch, Delivery, Submission, batch_id, refused_members
from pushgate.plugin.interfaces import Context, ISpool, Receipt, Settled


class Admission:
    """Accepts what can be kept and refuses the rest, before anything of it is queued.

    :param entropy: 58 random bits, new at each call.
    :ivar closed: nothing is taken on any more.
    :ivar limits: how much may wait.
    :ivar order: of the batch that came last; the spool has those of former runs.
    """

    def __init__(
        self,
        context: Context,
        spool: ISpool,
        roster: AppRegistry,
        ledger: OutcomeTracker,
        followers: BatchCallbacks,
        limits: Limits,
        entropy: Callable[[], int],
    ) -> None:
        self._context, self._spool, self._roster, self._ledger = context, spool, roster, ledger
        self._followers, self._entropy = followers, entropy
        self.limits = limits
        self.closed = False
        self.order = 0

    async def submit(self, submission: Submission, door: str, settled: Settled | None) -> Receipt:
        """See `IGateway.submit`."""
        metrics, began = self._context.metrics, self._now()
        try:
            work, batch, refused = self._admit(submission, door)
            first = await self._keep(work, batch, submission.key)
        except Refusal as refusal:
            app = submission.app if submission.app in self._roster.apps else ""
            metrics.count("pushgate_refused_total", app, door, refusal.code, times=len(submission.tokens))
            raise
        if first == batch.id:
            if settled is not None and len(refused) < len(batch):
                self._followers.follow(batch, settled)
            self._enqueue(work, batch, submission.doubtful)
            metrics.count("pushgate_submitted_total", batch.app, door, times=len(batch) - len(refused))
        for _, fault in refused:
            metrics.count("pushgate_refused_total", batch.app, door, fault.code)
        metrics.observe("pushgate_accept_seconds", door, seconds=self._now() - began)
        return Receipt(first, len(batch), tuple(refused))

    def open_for(self, app: str) -> Work:
        """An app for which something may be taken on.

        :raises ShuttingDown: nothing is any more.
        :raises UnknownApp: it is not configured.
        """
        if self.closed:
            raise ShuttingDown
        return self._roster.configured(app)

    def _admit(self, submission: Submission, door: str) -> tuple[Work, Batch, list[tuple[int, Refusal]]]:
        """The batch that a submission makes; raise a `Refusal` when it makes none."""
        work = self.open_for(submission.app)
        faults = refused_members(submission, work.config.max_payload)
        waiting = work.waiting()
        if waiting + len(submission.tokens) - len(faults) > self.limits.queue:
            work.pressure.refused(waiting)
            raise Overloaded(f"queue of {submission.app}", waiting, self.limits.queue)
        batch = self._batch(submission, work, tuple(index for index, _ in faults), door)
        return work, batch, faults

    def _batch(self, submission: Submission, work: Work, refused: tuple[int, ...], door: str) -> Batch:
        wall = self._context.wall()
        self.order += 1
        return Batch(
            id=batch_id(wall, self._entropy()),
            order=self.order,
            app=submission.app,
            tokens=submission.tokens,
            payload=submission.payload,
            terms=submission.terms,
            delivery=submission.terms.delivery or work.config.delivery,
            accepted_at=wall,
            waiting_since=self._now(),
            refused=refused,
            door=door,
        )

    async def _keep(self, work: Work, batch: Batch, key: str | None) -> int:
        """Wait until a batch is safe, and return its id; the first one's when the key was used before."""
        count = len(batch) - len(batch.refused)
        if not count:
            return batch.id  # nothing to keep, so its key is free for what is submitted in its place
        work.arriving += count
        try:
            return await self._spool.append(batch, key)
        finally:
            work.arriving -= count

    def _enqueue(self, work: Work, batch: Batch, doubtful: bool) -> None:
        count = len(batch) - len(batch.refused)
        in_doubt = doubtful and batch.delivery is Delivery.AT_MOST_ONCE
        if count and work.closed:
            self._roster.missed(work, batch.terms.priority, count)
        elif count and (in_doubt or not work.backlog.keeps(batch)):
            self._ledger.open(batch)
            work.backlog.opened(batch)
            (work.doubt if in_doubt else work.put)(batch)

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now
