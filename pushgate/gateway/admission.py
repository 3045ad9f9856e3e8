"""The way in: a submission is checked, becomes a batch, is kept, and is put into its app's queue."""

from collections.abc import Callable

from pushgate.gateway.apps.app import App
from pushgate.gateway.apps.app_registry import AppRegistry
from pushgate.gateway.outcomes.batch_callbacks import BatchCallbacks
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.errors import Refusal, ShuttingDown
from pushgate.model.notification import Batch, Delivery, Submission, batch_id
from pushgate.model.target import TargetForm
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import Receipt, Settled


class Admission:
    """Accepts what can be kept and refuses the rest, before anything of it is queued.

    :param entropy: 58 random bits, new at each call.
    :ivar closed: nothing is taken on any more.
    :ivar order: of the batch that came last; the spool has those of former runs.
    """

    def __init__(
        self,
        context: Context,
        spool: ISpool,
        apps: AppRegistry,
        callbacks: BatchCallbacks,
        entropy: Callable[[], int],
    ) -> None:
        self._context, self._spool, self._apps = context, spool, apps
        self._callbacks, self._entropy = callbacks, entropy
        self.closed = False
        self.order = 0

    async def submit(self, submission: Submission, origin: str, settled: Settled | None) -> Receipt:
        """See `IGateway.submit`."""
        metrics, began = self._context.metrics, self._now()
        try:
            app, batch, refused = self._admit(submission, origin)
            first = await self._keep(app, batch, submission.key)
        except Refusal as refusal:
            self.count_refusal(submission, origin, refusal)
            raise
        if first == batch.id:
            if settled is not None and len(refused) < len(batch):
                self._callbacks.follow(batch, settled)
            self._enqueue(app, batch, submission.doubtful)
            metrics.count("pushgate_submitted_total", batch.app, origin, times=len(batch) - len(refused))
        for _, fault in refused:
            metrics.count("pushgate_refused_total", batch.app, origin, fault.code)
        metrics.observe("pushgate_accept_seconds", origin, seconds=self._now() - began)
        return Receipt(first, len(batch), tuple(refused), first != batch.id)

    def count_refusal(self, submission: Submission, origin: str, refusal: Refusal) -> None:
        """Count all of a submission as refused."""
        name, count = submission.app if submission.app in self._apps else "", len(submission.tokens)
        self._context.metrics.count("pushgate_refused_total", name, origin, refusal.code, times=count)

    def open_for(self, name: str) -> App:
        """Return an app for which something may be taken on.

        :raises ShuttingDown: nothing is any more.
        :raises UnknownApp: it is not configured.
        """
        if self.closed:
            raise ShuttingDown
        return self._apps.configured(name)

    def _admit(self, submission: Submission, origin: str) -> tuple[App, Batch, list[tuple[int, Refusal]]]:
        """Return the batch that a submission makes; raise a `Refusal` when it makes none."""
        app = self.open_for(submission.app)
        faults = app.rules.refused_members(submission, app.config.max_payload)
        app.queue.capacity.check(len(submission.tokens) - len(faults))
        batch = self._batch(submission, app, tuple(index for index, _ in faults), origin)
        return app, batch, faults

    def _batch(self, submission: Submission, app: App, refused: tuple[int, ...], origin: str) -> Batch:
        wall = self._context.wall()
        self.order += 1
        return Batch(
            id=batch_id(wall, self._entropy()),
            order=self.order,
            app=submission.app,
            tokens=app.rules.in_canonical_form(submission.tokens).widened(),
            form=app.rules.form if submission.terms.channel is None else TargetForm.CHANNEL,
            payload=submission.payload,
            terms=submission.terms,
            delivery=submission.terms.delivery or app.config.delivery,
            accepted_at=wall,
            waiting_since=self._now(),
            refused=refused,
            origin=origin,
        )

    async def _keep(self, app: App, batch: Batch, key: str | None) -> int:
        """Wait until a batch is safe, and return its id; the first one's when the key was used before."""
        count = len(batch) - len(batch.refused)
        if not count:
            return batch.id  # nothing to keep, so its key is free for what is submitted in its place
        with app.queue.capacity.arriving(count):
            return await self._spool.append(batch, key)

    def _enqueue(self, app: App, batch: Batch, doubtful: bool) -> None:
        count = len(batch) - len(batch.refused)
        if count and app.closed:
            self._apps.missed(app, batch.priority, count)
        elif count:
            app.queue.accept(batch, doubtful and batch.delivery is Delivery.AT_MOST_ONCE)

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now
