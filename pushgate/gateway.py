"""The gateway: admits notifications, keeps them, gives them to upstreams, and tells what became of each.

The one place that knows doors, spool, apps and sinks, all of them by interface only.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredList, fail
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.death import Death
from pushgate.errors import CannotStart, NotFound, Overloaded, Refusal, ShuttingDown, UnknownApp
from pushgate.followers import Followers
from pushgate.inquiry import Inquiry
from pushgate.interfaces import (
    Context,
    IGateway,
    IOutcomeSink,
    ISpool,
    IUpstream,
    IUpstreamFactory,
    Kept,
    Receipt,
    Settled,
)
from pushgate.ledger import Ledger
from pushgate.limits import Limits
from pushgate.notification import (
    MAX_BATCH,
    Batch,
    Delivery,
    Submission,
    batch_id,
    check_rate,
    refused_members,
)
from pushgate.outbox import Outbox
from pushgate.outcome import Outcome, Report, State, Verdict
from pushgate.record import lines, waiting_line
from pushgate.roster import Candidate, Roster
from pushgate.settings import AppTable
from pushgate.span import Span
from pushgate.work import Work

SWEEP: Final = 1.0
"""Seconds between two looks for what expired in the queues of unreachable push services."""
Reload = Callable[[], "Deferred[list[str]]"]
"""Reads the configuration again; see `IGateway.reload`."""
__all__ = ["Gateway", "Limits"]


@implementer(IGateway)
class Gateway:
    """Composed first, then started; `IGateway` says what the doors may call.

    :param entropy: 58 random bits, new at each call.
    """

    log = Logger()

    def __init__(self, context: Context, spool: ISpool, limits: Limits, entropy: Callable[[], int]) -> None:
        self._context, self._spool, self._limits, self._entropy = context, spool, limits, entropy
        self._outbox = Outbox(context, spool)
        self._inquiry = Inquiry(self._outbox, context.wall)
        self._ledger = Ledger()
        self._roster = Roster(context, spool, self._ledger, limits, self._publish, self._recover)
        self._apps = self._roster.apps
        self.on_reload: Reload = _no_reload
        self._followers = Followers()
        self._order = self._recovered = 0
        self._stopping = False
        self._started_at = self._now()
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = context.reactor

    def add_app(self, app: str, config: AppTable, factory: IUpstreamFactory) -> None:
        """Add an app and its upstream; raise `CannotStart` when the upstream cannot be made."""
        self._roster.add(app, config, factory)

    def add_sink(self, name: str, sink: IOutcomeSink, buffer: int) -> Callable[[], None]:
        """As `attach`, for a sink of the configuration: a crash does not make it miss anything."""
        return self._outbox.attach(name, sink, buffer, watches=False)

    def start(self) -> Deferred[None]:
        """Queue what the spool kept, then begin to send; fails with `CannotStart`."""
        return Deferred.fromCoroutine(self._start())

    def upstreams(self) -> dict[str, IUpstream]:
        """The upstream of each app."""
        return {app: work.upstream for app, work in self._apps.items()}

    # while it runs: a reload prepares all it needs, and then makes it so

    def candidate(self, app: str, config: AppTable, factory: IUpstreamFactory) -> Candidate:
        """An upstream for an app, new or known, that does not have its queue yet; raise `CannotStart`."""
        return self._roster.candidate(app, config, factory)

    def admit(self, candidate: Candidate, patience: float) -> None:
        """See `Roster.admit`."""
        self._roster.admit(candidate, patience)

    def adjust(self, app: str, config: AppTable) -> None:
        """Change settings of an app that its upstream does not look at."""
        self._apps[app].configure(config)

    def remove_app(self, app: str, patience: float) -> None:
        """See `Roster.remove`."""
        self._roster.remove(app, patience)

    def limit(self, limits: Limits) -> None:
        """Go on with other limits."""
        self._limits = limits
        self._roster.limit(limits)

    def detach(self, name: str) -> Deferred[None]:
        """Report nothing more to the sink of this name; fires when it has taken what waits, and is closed."""
        return self._outbox.detach(name)

    # IGateway, called by the doors

    def has_app(self, app: str) -> bool:
        return app in self._apps

    def pace_app(self, app: str, rate: float) -> None:
        if app not in self._apps:
            raise UnknownApp(app)
        self._apps[app].set_rate(check_rate(rate))

    def pace_batch(self, number: int, rate: float) -> bool | Deferred[bool]:
        check_rate(rate)
        try:
            entry, _ = self._ledger.find(number)
        except NotFound:
            if not self._spool.pages:
                raise
            return Deferred.fromCoroutine(self._pace_kept(number, rate))
        return self._pace(entry.batch, bool(entry.remaining), rate)

    def pressed(self, app: str, relieved: Callable[[], None]) -> Callable[[], None] | None:
        work = None if self._stopping else self._apps.get(app)
        return None if work is None else work.pressed(relieved)

    def accepting(self) -> bool:
        return not self._stopping

    def max_payload(self, app: str) -> int:
        return self._configured(app).config.max_payload

    def attach(self, name: str, sink: IOutcomeSink, buffer: int) -> Callable[[], None]:
        return self._outbox.attach(name, sink, buffer, watches=True)

    def submit(self, submission: Submission, door: str, settled: Settled | None = None) -> Deferred[Receipt]:
        return Deferred.fromCoroutine(self._submit(submission, door, settled))

    def status(self, number: int) -> str | Deferred[str]:
        try:
            entry, index = self._ledger.find(number)
        except NotFound:
            if not (self._spool.pages or self._outbox.histories()):
                raise
            return Deferred.fromCoroutine(self._kept_status(number))
        outcome = entry.outcome(index)
        if outcome is not None:
            return lines(msgspec.structs.replace(outcome, span=outcome.span.part(index, index + 1)))[0]
        work = self._roster.work(entry.batch.app)
        span = work.lane.find(entry.batch, index)
        state = State.QUEUED if span else State.WRITTEN
        return waiting_line(span or work.whole(entry.batch), index, state, self._context.wall())

    def trace(self, number: int) -> Deferred[str]:
        return Deferred.fromCoroutine(self._trace(number))

    def cancel(self, number: int) -> bool | Deferred[bool]:
        try:
            entry, index = self._ledger.find(number)
        except NotFound:
            if not self._spool.pages:
                raise
            return Deferred.fromCoroutine(self._cancel_kept(number))
        return self._roster.work(entry.batch.app).withdraw(entry.batch, index)

    def reload(self) -> Deferred[list[str]]:
        if self._stopping:
            return fail(ShuttingDown())
        return self.on_reload()

    def flush(self, number: int) -> Deferred[int]:
        return Deferred.fromCoroutine(self._flush(number))

    def dead_tokens(self, app: str, after: bytes, limit: int) -> list[Death]:
        return self._configured(app).graveyard.tokens.page(after, limit)

    def bury(self, app: str, deaths: Sequence[Death]) -> Deferred[int]:
        return self._open_for(app).graveyard.bury(deaths)

    def forget(self, app: str, tokens: Sequence[bytes]) -> Deferred[int]:
        return self._open_for(app).graveyard.forget(tokens)

    def withdraw(self, numbers: Collection[int]) -> None:
        wanted = set(numbers)
        for work in self._apps.values():
            work.withdraw_batches(wanted)

    def stats(self) -> dict[str, Any]:
        return {
            "uptime": round(self._now() - self._started_at, 3),
            "unsettled": self.left(),
            "apps": {app: work.stats() for app, work in self._apps.items()},
            "sinks": {name: {"lag": lag} for name, lag in self._outbox.lags().items()},
            "outcomes": self._outcome_counts(),
        }

    # stopping, in this order; each step is bounded by whoever cancels its Deferred

    def refuse(self) -> None:
        """Take nothing new from now on; whoever paused hears of it too."""
        self._stopping = True
        for work in self._apps.values():
            work.relieve()

    def reopen(self) -> None:
        """Have every sink open its files anew."""
        self._outbox.reopen()

    def drain(self) -> Deferred[None]:
        """Send what can be sent and settle what is in flight; fires when all upstreams are closed."""
        draining = [
            Deferred.fromCoroutine(work.drain()).addErrback(self._not_drained, work.app)
            for work in self._apps.values()
        ]
        return _all([*draining, *self._roster.endings()])

    async def close(self) -> None:
        """Flush the sinks and close the spool."""
        if self._sweeper.running:
            self._sweeper.stop()
        await self._outbox.close()
        await self._spool.close()

    @property
    def durable(self) -> bool:
        """Whether what has no outcome is kept over a restart."""
        return bool(self._spool.pages)

    def settled(self) -> int:
        """Outcomes so far, corrections included."""
        return sum(self._context.tally.counts["pushgate_outcomes_total"].values())

    def left(self) -> int:
        """Notifications without an outcome."""
        return self._ledger.unsettled + sum(len(work.backlog) for work in self._apps.values())

    # what is in the spool only

    async def _start(self) -> None:
        self._spool.start()
        self._order = self._recovered = self._spool.last_order()
        self._outbox.recover()
        self._roster.found(self._spool.waiting())
        for work in self._apps.values():
            await work.graveyard.recover()
        await _all(work.backlog.fill() for work in self._apps.values())
        if self._stopping:
            raise CancelledError
        for work in self._apps.values():
            work.start()
        self._sweeper.start(SWEEP, now=False)

    def _recover(self, kept: Kept) -> None:
        """Enter and queue a batch that comes from the spool."""
        work = self._apps[kept.batch.app]
        self._ledger.open(kept.batch, kept.left)
        work.backlog.opened(kept.batch)
        work.recovered(kept, restarted=kept.batch.order <= self._recovered)

    async def _kept_status(self, number: int) -> str:
        try:
            kept, index, waits = await self._find_kept(number)
        except NotFound:
            return await self._inquiry.record(number)
        if kept is None:
            record = self.status(number)
            return await record if isinstance(record, Deferred) else record
        if not waits:
            return await self._inquiry.record(number)
        return waiting_line(Span(kept.batch, 0, len(kept.batch)), index, State.QUEUED, self._context.wall())

    async def _trace(self, number: int) -> str:
        told, way = await self._whereabouts(number)
        return await self._inquiry.story(number, told, way)

    async def _whereabouts(self, number: int) -> tuple[list[Outcome], Outcome | None]:
        """The outcomes of a notification in memory, and where it is on its way."""
        if not self._ledger.has(number):
            try:
                kept, index, waits = await self._find_kept(number)
            except NotFound:
                return [], None
            if kept is not None:
                span = Span(kept.batch, 0, len(kept.batch))
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
        work, batch = self._apps[kept.batch.app], kept.batch
        work.backlog.withdrawn(batch)
        outcome = work.outcome(Verdict(Span(batch, index, index + 1), State.CANCELLED))
        alone = sum(stop - start for start, stop in kept.left) == 1
        self._tell(work.app, [outcome], [batch] if alone else [])
        return True

    async def _flush(self, number: int) -> int:
        if self._stopping:
            raise ShuttingDown
        try:
            batch = self._ledger.batch(number)
        except NotFound:
            kept = await self._spool.find(number) if self._spool.pages else None
            batch = kept.batch if kept else self._ledger.batch(number)
        if batch.app not in self._apps or number % MAX_BATCH >= len(batch):
            raise NotFound
        return await self._apps[batch.app].flushes.ask()

    async def _pace_kept(self, number: int, rate: float) -> bool:
        kept, _, _ = await self._find_kept(number)
        if kept is None:
            done = self.pace_batch(number, rate)
            return await done if isinstance(done, Deferred) else done
        return self._pace(kept.batch, bool(kept.left), rate)

    def _pace(self, batch: Batch, unsettled: bool, rate: float) -> bool:
        if unsettled:
            self._apps[batch.app].pace(batch, rate)
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
            if kept.batch.app not in self._apps:
                raise NotFound
            if not self._apps[kept.batch.app].backlog.loading:
                return kept, index, _in(index, kept.left)

    # the way in

    async def _submit(self, submission: Submission, door: str, settled: Settled | None) -> Receipt:
        tally, began = self._context.tally, self._now()
        try:
            work, batch, refused = self._admit(submission, door)
            first = await self._keep(work, batch, submission.key)
        except Refusal as refusal:
            app = submission.app if submission.app in self._apps else ""
            tally.count("pushgate_refused_total", app, door, refusal.code, times=len(submission.tokens))
            raise
        if first == batch.id:
            if settled is not None and len(refused) < len(batch):
                self._followers.follow(batch, settled)
            self._enqueue(work, batch, submission.doubtful)
            tally.count("pushgate_submitted_total", batch.app, door, times=len(batch) - len(refused))
        for _, code, _ in refused:
            tally.count("pushgate_refused_total", batch.app, door, code)
        tally.observe("pushgate_accept_seconds", door, seconds=self._now() - began)
        return Receipt(first, len(batch), tuple(refused))

    def _admit(self, submission: Submission, door: str) -> tuple[Work, Batch, list[tuple[int, str, str]]]:
        """The batch that a submission makes; raise a `Refusal` when it makes none."""
        work = self._open_for(submission.app)
        faults = refused_members(submission, work.config.max_payload)
        waiting = work.waiting()
        if waiting + len(submission.tokens) - len(faults) > self._limits.queue:
            work.pressure.refused(waiting)
            raise Overloaded(f"queue of {submission.app}", waiting, self._limits.queue)
        batch = self._batch(submission, work, tuple(index for index, _ in faults), door)
        return work, batch, [(index, fault.code, str(fault)) for index, fault in faults]

    def _open_for(self, app: str) -> Work:
        """An app for which something may be taken on."""
        if self._stopping:
            raise ShuttingDown
        return self._configured(app)

    def _configured(self, app: str) -> Work:
        work = self._apps.get(app)
        if work is None:
            raise UnknownApp(app)
        return work

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

    def _batch(self, submission: Submission, work: Work, refused: tuple[int, ...], door: str) -> Batch:
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
            door=door,
        )

    def _enqueue(self, work: Work, batch: Batch, doubtful: bool) -> None:
        count = len(batch) - len(batch.refused)
        in_doubt = doubtful and batch.delivery is Delivery.AT_MOST_ONCE
        if count and work.closed:
            self._roster.missed(work, batch.terms.priority, count)
        elif count and (in_doubt or not work.backlog.keeps(batch)):
            self._ledger.open(batch)
            work.backlog.opened(batch)
            (work.doubt if in_doubt else work.put)(batch)

    # the way back

    def _publish(self, app: str, reports: Sequence[Report]) -> None:
        """Enter outcomes into the books, then tell every sink."""
        finished: list[Batch] = []
        self._tell(app, [report for report in reports if self._enter(app, report, finished)], finished)
        if finished:
            backlog = self._roster.work(app).backlog
            for batch in finished:
                backlog.finished(batch)
            backlog.refill()

    def _enter(self, app: str, report: Report, finished: list[Batch]) -> bool:
        """Enter a report into the books; False when it contradicts them: then nobody is told of it."""
        if not isinstance(report, Outcome):
            return True
        try:
            if self._ledger.settle(report):
                finished.append(report.span.batch)
        except ValueError:  # an upstream that settles twice is no reason to lose the outcomes beside this one
            self.log.failure("{app}: an outcome of its upstream was left out", app=app)
            return False
        return True

    def _tell(self, app: str, reports: Sequence[Report], finished: Sequence[Batch]) -> None:
        """Count reports, and have every sink told."""
        for report in reports:
            if isinstance(report, Outcome):
                self._count(app, report)
        if reports:
            kept = self._outbox.publish(reports, [batch.order for batch in finished])
            if self._followers:
                kept.addCallback(lambda _: self._followers.tell(reports, finished))

    def _count(self, app: str, report: Outcome) -> None:
        tally, count = self._context.tally, len(report.span)
        tally.count("pushgate_outcomes_total", app, report.state, report.reason, times=count)
        waited = self._now() - report.span.batch.waiting_since
        tally.observe("pushgate_settle_seconds", app, seconds=waited, times=count)

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
            if app in counts:
                counts[app][state] += count
        return {app: dict(counter) for app, counter in counts.items()}

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now


def _no_reload() -> Deferred[list[str]]:
    return fail(CannotStart(["there is no configuration file to read again"]))


def _in(index: int, runs: Sequence[tuple[int, int]]) -> bool:
    return any(start <= index < stop for start, stop in runs)


def _all(deferreds: "Any") -> "Deferred[None]":
    """Fires when all have fired; cancelling it cancels each. Who fails has logged it."""
    waiting: Deferred[Any] = DeferredList(list(deferreds), consumeErrors=True)
    return waiting.addCallback(lambda _: None)
