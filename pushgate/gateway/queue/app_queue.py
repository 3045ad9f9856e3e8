"""The queue of one app: what waits, in which order, at which rate, and what comes back of it."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.gateway.dead_tokens.store import DeadTokenStore
from pushgate.gateway.limits import Limits
from pushgate.gateway.outcomes.recorder import OutcomeRecorder
from pushgate.gateway.queue.backlog import Backlog
from pushgate.gateway.queue.capacity import Capacity
from pushgate.gateway.queue.priority_queue import PriorityQueue
from pushgate.gateway.queue.rate_timer import RateTimer
from pushgate.gateway.queue.send_filter import SendFilter, expired, unreachable
from pushgate.gateway.queue.write_intents import WriteIntents
from pushgate.gateway.spool.interface import ISpool, Kept
from pushgate.model.batch_slice import BatchSlice, Runs, outside, overlap, without
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.history import Event, Past, Step
from pushgate.model.notification import Batch, Priority
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import DeadToken, Outcome, Report, State, Verdict
from pushgate.plugin.context import Context
from pushgate.plugin.settings import AppTable
from pushgate.plugin.upstream_interface import IWork


@implementer(IWork)
class AppQueue:
    """What was accepted for one app and has no outcome; `IWork` is what its upstream sees of it.

    :param recorder: takes every outcome.
    :param wake: tells the upstream that there is work.
    :ivar capacity: how much may wait.
    """

    def __init__(
        self,
        app: str,
        config: AppTable,
        rules: NotificationRules,
        context: Context,
        limits: Limits,
        spool: ISpool,
        recorder: OutcomeRecorder,
        dead_tokens: DeadTokenStore,
        wake: Callable[[], None],
    ) -> None:
        self.app, self._config, self._rules, self._context = app, config, rules, context
        self._spool, self._recorder, self._dead_tokens, self._wake = spool, recorder, dead_tokens, wake
        self._ready = PriorityQueue()
        self._backlog = Backlog(app, spool, self._bring, self._soon, limits.held, limits.few)
        self._intents = WriteIntents(self._ready, spool, wake, context.reactor)
        self._filter = SendFilter(limits.expiry, dead_tokens.tokens, rules.channels)
        self.capacity = Capacity(app, limits.queue, self.depth, context.reactor)
        self._rate = RateTimer(config.rate, context.reactor, wake)
        self._empty: Deferred[None] | None = None

    # the way in

    def accept(self, batch: Batch, in_doubt: bool) -> None:
        """Queue a batch that the spool keeps, in memory or, when memory has its share, in the spool alone.

        :param in_doubt: it may have been sent already and must not be sent twice: it is settled as `unknown`.
        """
        if not in_doubt and self._backlog.keeps(batch):
            return
        self._recorder.open(batch)
        self._backlog.opened(batch)
        runs = without(len(batch), batch.refused)
        if in_doubt:
            doubtful = (BatchSlice(batch, *run, attempts=1) for run in runs)
            self.settle([Verdict(each, State.UNKNOWN, reason="Redelivered") for each in doubtful])
        else:
            self._put(batch, runs)

    def found(self, counts: dict[Priority, int]) -> None:
        """At the start, or when an app is added: note how much the spool has of it."""
        for priority, count in counts.items():
            self._backlog.found(priority, count)

    def fill(self) -> Deferred[None]:
        """Bring in what there is room for; fires when that is done, never fails."""
        return self._backlog.fill()

    def open(self) -> None:
        """Bring in what there is room for, and have it sent."""
        self._backlog.refill()
        self._wake()

    # settings

    def configure(self, config: AppTable, rules: NotificationRules) -> None:
        """Go on with other settings; what was accepted keeps the delivery it was accepted with."""
        if config.rate != self._config.rate:
            self._rate.replace(config.rate)
        self._config, self._rules = config, rules
        self._filter.channels = rules.channels
        self._wake()

    def limit(self, limits: Limits) -> None:
        """Go on with other limits."""
        self._filter.expiry = limits.expiry
        self.capacity.limit(limits.queue)

    def set_rate(self, rate: float) -> None:
        """Have the app send so many a second at most from now on; 0 sets no limit."""
        self._rate.change(rate)
        self._wake()

    def pace(self, batch: Batch, rate: float) -> None:
        """Have a batch, in memory or in the spool, and what shares its pace, go at another rate."""
        self._ready.pace(batch, rate, self._now())
        self._wake()

    # questions

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        """Return the waiting slice in memory that holds this member of the batch; None when there is none."""
        return self._ready.find(batch, index)

    @property
    def loading(self) -> bool:
        """Whether batches are on their way from the spool: what it says of them may be out of date."""
        return self._backlog.loading

    @property
    def in_spool(self) -> int:
        """Notifications that are in the spool only."""
        return len(self._backlog)

    def stats(self) -> dict[str, Any]:
        """Return the length, age and rate of the queue, ready for JSON."""
        oldest = self._ready.oldest
        # The clock may have been set back.
        age = 0.0 if oldest is None else round(max(0.0, self._context.wall() - oldest), 3)
        return {
            "queue": self.depth(),
            "queue_age": age,
            "queue_limit": self.capacity.most,
            "pressed": self.capacity.is_pressed,
            "paced": self._ready.paced.depth,
            "rate": self._rate.rate,
        }

    # while it waits

    def sweep(self) -> None:
        """While the push service cannot be reached, let what waited too long expire. Call it now and then."""
        self._backlog.refill()
        self.capacity.relieve_later()
        if self._filter.down_since is not None:
            wall, now = self._context.wall(), self._now()
            old = self._ready.drop(lambda span: self._filter.has_expired(span, wall))
            tired = self._ready.drop(lambda span: self._filter.has_waited(span, now))
            self.settle([*map(expired, old), *map(unreachable, tired)])

    def withdraw(self, batch: Batch, index: int) -> bool:
        """Cancel a notification that still waits in memory; False when it does not."""
        span = self._ready.find(batch, index)
        if span is None:
            return False
        self.settle([Verdict(self._ready.withdraw(span, index), State.CANCELLED)])
        self.capacity.relieve_later()
        self._report_if_empty()
        return True

    def withdraw_kept(self, kept: Kept, index: int) -> None:
        """Cancel a notification that waits in the spool only."""
        batch = kept.batch
        self._backlog.withdrawn(batch)
        outcome = self._outcome(Verdict(BatchSlice(batch, index, index + 1), State.CANCELLED))
        alone = sum(stop - start for start, stop in kept.left) == 1
        self._recorder.report(self.app, [outcome], [batch] if alone else [])

    def withdraw_batches(self, numbers: AbstractSet[int]) -> None:
        """Cancel what waits of the batches with these ids; not what was reported as `presumed` before."""
        spans = self._ready.drop(lambda span: span.batch.id in numbers and not span.recalled)
        self.settle([Verdict(span, State.CANCELLED) for span in spans])
        self._report_if_empty()

    # the end

    def emptied(self) -> Deferred[None]:
        """Return a Deferred that fires when nothing waits, or what waits cannot be sent anyway."""
        emptied = self._empty = Deferred()
        self._report_if_empty()
        return emptied

    def stop_loading(self) -> None:
        """Bring in nothing more from the spool."""
        self._backlog.stop()

    def rest(self) -> None:
        """Stop: nothing will be written any more."""
        self.capacity.relieve()
        self._rate.stop()
        self._backlog.stop()
        self._intents.forgo()

    def abandon(self) -> dict[Priority, int]:
        """Part with what waits; return how much of it the spool keeps. What no spool keeps is cancelled."""
        spans = self._ready.drop(lambda _: True)
        if not self._spool.pages:
            self.settle([Verdict(span, State.CANCELLED, reason="AppRemoved") for span in spans])
            return {}
        counts = self._backlog.counts()
        for span in spans:
            counts[span.batch.priority] += len(span)
        self._recorder.forget(self.app)
        return counts

    # IWork, called by the upstream

    def depth(self) -> int:
        return self._ready.depth + len(self._backlog)

    def has_suspects(self) -> bool:
        return self._ready.has_suspects

    def take(self, limit: int, idle: bool) -> list[BatchSlice]:
        spans = self._take_suspects() if idle else []
        allowed = limit
        if not spans:
            allowed = self._rate.allows(limit)
            spans = self._take(allowed)
        self._rate.spend(sum(map(len, spans)))
        self._wake_later(held_back=allowed < limit)
        self._intents.taken(allowed, spans)
        self._backlog.refill()
        self.capacity.relieve_later()
        self._report_if_empty()
        return spans

    def settle(self, verdicts: Sequence[Verdict], upstream: str = "") -> None:
        if not verdicts:
            return
        self._dead_tokens.learn(verdicts)
        self._record([self._outcome(verdict, upstream) for verdict in verdicts])

    def requeue(self, spans: Sequence[BatchSlice]) -> None:
        self._context.metrics.count("pushgate_resent_total", self.app, times=sum(map(len, spans)))
        self._ready.requeue(spans)
        self._wake()

    def expire(self, spans: Sequence[BatchSlice], down_since: float | None) -> list[BatchSlice]:
        wall, now = self._context.wall(), self._now()
        left, verdicts = list[BatchSlice](), list[Verdict]()
        for span in spans:
            kept, settled = self._filter.screen(span, wall, now, down_since)
            left += kept
            verdicts += settled
        self.settle(verdicts)
        return left

    def tokens_died(self, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        deaths = self._dead_tokens.dated(deaths)
        # The report first: the service lists a token once, and a refusal would make up for a lost entry.
        at, kind, form = self._context.wall(), self._config.upstream, self._rules.form
        self._record([DeadToken(self.app, each.token, each.since, at, kind, form) for each in deaths])
        return self._dead_tokens.died(deaths)

    def token_rejected(
        self,
        token: bytes,
        first: bool,
        reason: DeadReason = DeadReason.INVALID_TOKEN,
        since: int | None = None,
    ) -> bool:
        return self._dead_tokens.rejected(token, reason, first, since)

    def reachable(self, yes: bool) -> None:
        if yes:
            self._filter.down_since = None
        elif self._filter.down_since is None:
            self._filter.down_since = self._now()
            self._report_if_empty()

    # within

    def _put(self, batch: Batch, runs: Runs, past: Past = ()) -> None:
        once, now = self._intents.needed(batch), self._now()
        for start, stop in runs:
            self._ready.put(BatchSlice(batch, start, stop, cleared=not once, past=past), now)
        if once:
            self._intents.added()
        self._wake()

    def _bring(self, kept: Kept) -> None:
        """Queue what the spool kept; what may have been written and must not be written twice is in doubt."""
        self._recorder.open(kept.batch, kept.left)
        self._backlog.opened(kept.batch)
        past = (Step(Event.RESTARTED, self._context.wall()),) if kept.restarted else ()
        doubtful = overlap(kept.left, kept.intended)
        spans = (BatchSlice(kept.batch, *run, attempts=1, past=past) for run in doubtful)
        self.settle([Verdict(each, State.UNKNOWN, reason="GatewayRestarted") for each in spans])
        self._put(kept.batch, outside(kept.left, doubtful), past)

    def _outcome(self, verdict: Verdict, upstream: str = "") -> Outcome:
        at, kind = self._context.wall(), upstream or self._config.upstream
        return Outcome(
            verdict.span,
            verdict.state,
            verdict.status,
            verdict.reason,
            at,
            kind,
            verdict.unique_id,
            verdict.replacement,
        )

    def _record(self, reports: Sequence[Report]) -> None:
        """Have reports recorded; then there is room for other batches in place of those that are done."""
        finished = self._recorder.record(self.app, reports)
        for batch in finished:
            self._backlog.finished(batch)
        if finished:
            self._backlog.refill()

    def _take_suspects(self) -> list[BatchSlice]:
        spans: list[BatchSlice] = []
        while not spans and self._ready.has_suspects:
            spans = [live for span in self._ready.take_suspects() for live in self._screened(span)]
        return spans

    def _take(self, limit: int) -> list[BatchSlice]:
        spans: list[BatchSlice] = []
        now = self._now()
        while limit > 0 and (span := self._ready.take(limit, now)) is not None:
            live = self._screened(span)
            spans += live
            limit -= sum(map(len, live))
        return spans

    def _screened(self, span: BatchSlice) -> list[BatchSlice]:
        """Return what of a slice may be written now; the rest gets its outcome."""
        live, verdicts = self._filter.screen(span, self._context.wall(), self._now())
        self.settle(verdicts)
        return live

    def _wake_later(self, held_back: bool) -> None:
        """Wake the upstream when a rate allows more: the app's, which held some back, or a batch's own."""
        waits = [self._rate.wait()] if held_back and self._ready.has_ready else []
        if self._ready.paced.depth and (wait := self._ready.paced.wait(self._now())) is not None:
            waits.append(wait)
        if waits:
            self._rate.wake_in(min(waits))

    def _soon(self) -> int:
        """Notifications in memory that do not wait for a rate of their own."""
        return self._ready.depth - self._ready.paced.depth

    def _report_if_empty(self) -> None:
        down = self._filter.down_since is not None
        if self._empty is not None and (down or self.depth() <= self._patient()):
            empty, self._empty = self._empty, None
            # In a turn of its own: the upstream, which is stopped then, may just be taking.
            self._context.reactor.callLater(0, empty.callback, None)

    def _patient(self) -> int:
        """How many wait for a rate of their own that a stop need not wait for, since the spool keeps them."""
        return self._ready.paced.depth if self._spool.pages else 0

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now
