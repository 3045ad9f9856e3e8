"""The gateway: admits notifications, keeps them, gives them to upstreams, and tells what became of each.

The one place that knows doors, spool, apps and sinks, all of them by interface only.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.errors import Overloaded, Refusal, ShuttingDown, UnknownApp
from pushgate.interfaces import (
    Context,
    IGateway,
    IOutcomeSink,
    ISpool,
    IUpstream,
    IUpstreamFactory,
    Receipt,
)
from pushgate.ledger import Ledger
from pushgate.notification import Batch, Submission, batch_id, refused_members
from pushgate.outcome import Outcome, Report, State
from pushgate.outlet import Outlet
from pushgate.record import lines, waiting_line
from pushgate.settings import AppTable
from pushgate.work import Work

SWEEP: Final = 1.0
"""Seconds between two looks for what expired in the queues of unreachable push services."""


class Limits(msgspec.Struct, frozen=True):
    """What bounds the gateway.

    :param expiry: seconds a notification waits at most for a push service that cannot be reached.
    :param queue: notifications waiting at most, for each app.
    """

    expiry: float = 1800.0
    queue: int = 1_000_000


@implementer(IGateway)
class Gateway:
    """Composed first, then started; `IGateway` says what the doors may call.

    :param entropy: 58 random bits, new at each call.
    """

    log = Logger()

    def __init__(self, context: Context, spool: ISpool, limits: Limits, entropy: Callable[[], int]) -> None:
        self._context, self._spool, self._limits, self._entropy = context, spool, limits, entropy
        self._apps: dict[str, Work] = {}
        self._outlets: dict[str, Outlet] = {}
        self._ledger = Ledger()
        self._order = 0
        self._stopping = False
        self._started_at = self._now()
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = context.reactor

    def add_app(self, app: str, config: AppTable, factory: IUpstreamFactory) -> None:
        """Add an app and its upstream; raise `CannotStart` when the upstream cannot be made."""
        work = Work(app, config, self._context, self._limits.expiry, self._publish)
        work.upstream = factory.upstream(app, config, work, self._context)
        self._apps[app] = work

    def start(self) -> None:
        """Queue what the spool kept, then begin to send."""
        for span in self._spool.recover():
            self._ledger.open(span.batch)
            self._apps[span.batch.app].lane.put(span)
        for work in self._apps.values():
            work.upstream.start()
        self._sweeper.start(SWEEP, now=False)

    def upstreams(self) -> dict[str, IUpstream]:
        """The upstream of each app."""
        return {app: work.upstream for app, work in self._apps.items()}

    # IGateway, called by the doors

    def has_app(self, app: str) -> bool:
        return app in self._apps

    def attach(self, name: str, sink: IOutcomeSink, buffer: int) -> Callable[[], None]:
        if name in self._outlets:
            raise ValueError(f"a sink called {name} is attached already")
        outlet = Outlet(name, sink, buffer, self._context.reactor, self._context.tally)
        outlet.start()
        self._outlets[name] = outlet
        return lambda: self._detach(name, outlet)

    def submit(self, submission: Submission, door: str) -> Deferred[Receipt]:
        return Deferred.fromCoroutine(self._submit(submission, door))

    def status(self, number: int) -> str:
        entry, index = self._ledger.find(number)
        outcome = entry.outcome(index)
        if outcome is not None:
            return lines(msgspec.structs.replace(outcome, span=outcome.span.part(index, index + 1)))[0]
        work = self._apps[entry.batch.app]
        span = work.lane.find(entry.batch, index)
        state = State.QUEUED if span else State.WRITTEN
        return waiting_line(span or work.whole(entry.batch), index, state, self._context.wall())

    def cancel(self, number: int) -> bool:
        entry, index = self._ledger.find(number)
        return self._apps[entry.batch.app].withdraw(entry.batch, index)

    def stats(self) -> dict[str, Any]:
        return {
            "uptime": round(self._now() - self._started_at, 3),
            "unsettled": self._ledger.unsettled,
            "apps": {app: work.stats() for app, work in self._apps.items()},
            "sinks": {name: {"lag": outlet.lag} for name, outlet in self._outlets.items()},
            "outcomes": self._outcome_counts(),
        }

    # stopping, in this order; each step is bounded by whoever cancels its Deferred

    def refuse(self) -> None:
        """Take nothing new from now on."""
        self._stopping = True

    def reopen(self) -> None:
        """Have every sink open its files anew."""
        for outlet in self._outlets.values():
            outlet.reopen()

    def drain(self) -> Deferred[None]:
        """Send what can be sent and settle what is in flight; fires when all upstreams are closed."""
        return _all(
            Deferred.fromCoroutine(work.drain()).addErrback(self._not_drained, work.app)
            for work in self._apps.values()
        )

    async def close(self) -> None:
        """Flush the sinks and close the spool."""
        if self._sweeper.running:
            self._sweeper.stop()
        outlets, self._outlets = self._outlets, {}
        await _all(outlet.stop() for outlet in outlets.values())
        await self._spool.close()

    def left(self) -> int:
        """Notifications without an outcome."""
        return self._ledger.unsettled

    # the way in

    async def _submit(self, submission: Submission, door: str) -> Receipt:
        tally, began = self._context.tally, self._now()
        try:
            work, batch, refused = self._admit(submission)
            first = await self._keep(work, batch, submission.key)
        except Refusal as refusal:
            app = submission.app if submission.app in self._apps else ""
            tally.count("pushgate_refused_total", app, door, refusal.code, times=len(submission.tokens))
            raise
        if first == batch.id:
            self._enqueue(work, batch)
            tally.count("pushgate_submitted_total", batch.app, door, times=len(batch) - len(refused))
        for _, code, _ in refused:
            tally.count("pushgate_refused_total", batch.app, door, code)
        tally.observe("pushgate_accept_seconds", door, seconds=self._now() - began)
        return Receipt(first, len(batch), tuple(refused))

    def _admit(self, submission: Submission) -> tuple[Work, Batch, list[tuple[int, str, str]]]:
        """The batch that a submission makes; raise a `Refusal` when it makes none."""
        if self._stopping:
            raise ShuttingDown
        work = self._apps.get(submission.app)
        if work is None:
            raise UnknownApp(submission.app)
        faults = refused_members(submission, work.config.max_payload)
        waiting = work.lane.depth + work.arriving
        if waiting + len(submission.tokens) - len(faults) > self._limits.queue:
            raise Overloaded(f"queue of {submission.app}", waiting, self._limits.queue)
        batch = self._batch(submission, work, tuple(index for index, _ in faults))
        return work, batch, [(index, fault.code, str(fault)) for index, fault in faults]

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

    def _batch(self, submission: Submission, work: Work, refused: tuple[int, ...]) -> Batch:
        wall = self._context.wall()
        self._order += 1
        return Batch(
            id=batch_id(wall, self._entropy()),
            order=self._order,
            app=submission.app,
            tokens=submission.tokens,
            payload=submission.payload,
            terms=submission.terms,
            delivery=submission.terms.delivery or work.config.delivery,
            accepted_at=wall,
            waiting_since=self._now(),
            refused=refused,
        )

    def _enqueue(self, work: Work, batch: Batch) -> None:
        if len(batch.refused) < len(batch):
            self._ledger.open(batch)
            work.put(batch)

    # the way back

    def _publish(self, app: str, reports: Sequence[Report]) -> None:
        """Enter outcomes into the books, then tell every sink."""
        entered = [report for report in reports if self._enter(app, report)]
        outcomes = [report for report in entered if isinstance(report, Outcome)]
        if outcomes:
            self._spool.settle(outcomes)
        for outlet in list(self._outlets.values()):
            outlet.report(entered)

    def _enter(self, app: str, report: Report) -> bool:
        """Enter a report into the books; False when it contradicts them: then nobody is told of it."""
        if not isinstance(report, Outcome):
            return True
        try:
            self._ledger.settle(report)
        except ValueError:  # an upstream that settles twice is no reason to lose the outcomes beside this one
            self.log.failure("{app}: an outcome of its upstream was left out", app=app)
            return False
        tally, count = self._context.tally, len(report.span)
        tally.count("pushgate_outcomes_total", app, report.state, report.reason, times=count)
        waited = self._now() - report.span.batch.waiting_since
        tally.observe("pushgate_settle_seconds", app, seconds=waited, times=count)
        return True

    def _detach(self, name: str, outlet: Outlet) -> None:
        if self._outlets.get(name) is outlet:
            del self._outlets[name]
            stopping = outlet.stop()
            if outlet.lag:
                stopping.cancel()  # whoever detaches a sink wants nothing more, what waits included

    def _not_drained(self, failure: Failure, app: str) -> None:
        if not failure.check(CancelledError):
            self.log.failure("stopping the upstream of {app}", failure, app=app)

    def _sweep(self) -> None:
        for work in self._apps.values():
            try:
                work.sweep()
            except Exception:  # noqa: BLE001 - one app's trouble must not end the sweep of the others
                self.log.failure("sweeping the queue of {app}", app=work.app)

    def _outcome_counts(self) -> dict[str, dict[str, int]]:
        counts: dict[str, Counter[str]] = {app: Counter() for app in self._apps}
        for (app, state, _), count in self._context.tally.counts["pushgate_outcomes_total"].items():
            counts[app][state] += count
        return {app: dict(counter) for app, counter in counts.items()}

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now


def _all(deferreds: "Any") -> "Deferred[None]":
    """Fires when all have fired; cancelling it cancels each. Who fails has logged it."""
    waiting: Deferred[Any] = DeferredList(list(deferreds), consumeErrors=True)
    return waiting.addCallback(lambda _: None)
