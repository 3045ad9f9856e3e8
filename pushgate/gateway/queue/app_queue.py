"""One app's share of the gateway: what waits for its upstream, and what the upstream says of it."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from pushgate.gateway.apps.proof_requests import ProofRequests
from pushgate.gateway.apps.upstream_guard import Bulkhead
from pushgate.gateway.apps.upstream_slot import UpstreamSlot
from pushgate.gateway.dead_tokens.store import DeadTokenStore
from pushgate.gateway.limits import Limits
from pushgate.gateway.outcomes.tracker import Runs
from pushgate.gateway.queue import send_filter
from pushgate.gateway.queue.backlog import Backlog
from pushgate.gateway.queue.priority_queue import PriorityQueue
from pushgate.gateway.queue.rate_groups import TICK
from pushgate.gateway.queue.watermarks import Watermarks
from pushgate.gateway.queue.write_intents import WriteIntents
from pushgate.model.batch_slice import BatchSlice, outside, overlap, without
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.history import Event, Past, Step
from pushgate.model.notification import Batch
from pushgate.model.outcome import DeadToken, Outcome, Report, State, Verdict
from pushgate.model.token_bucket import TokenBucket
from pushgate.plugin.interfaces import Context, ISpool, IUpstream, IWork, Kept
from pushgate.plugin.settings import AppTable

if TYPE_CHECKING:
    from pushgate.gateway.apps.queue_lease import QueueLease

Publish = Callable[[str, Sequence[Report]], None]
"""Called with the app and what became of its notifications."""


@implementer(IWork)
class Work:
    """The queue of one app, its dead tokens, its pace, and its upstream.

    :param publish: told every outcome.
    :param spool: told what is about to be written under at-most-once.
    :ivar arriving: notifications accepted by nobody yet: the spool is keeping them just now.
    :ivar closed: the app was removed, and what waited is no longer here.
    """

    def __init__(
        self, app: str, config: AppTable, context: Context, limits: Limits, publish: Publish, spool: ISpool
    ) -> None:
        self.app, self.config = app, config
        self._context, self._expiry, self._publish, self._spool = context, limits.expiry, publish, spool
        self.lane = PriorityQueue()
        self.backlog: Backlog
        self.graveyard = DeadTokenStore(app, spool, context.wall)
        self.tenancy = UpstreamSlot(app, Bulkhead(app, context.reactor, context.metrics))
        self._intentions = WriteIntents(self.lane, spool, self.wake)
        self.arriving = 0
        self.pressure = Watermarks(limits.queue)
        self.flushes = ProofRequests(app, lambda: self.upstream, context.reactor)
        self.closed = False
        self._pace = TokenBucket(config.rate, self._now())
        self._pause: IDelayedCall | None = None
        self._relief: IDelayedCall | None = None
        self._down_since: float | None = None
        self._empty: Deferred[None] | None = None

    @property
    def upstream(self) -> IUpstream:
        """The one that has the queue."""
        return self.tenancy.upstream

    def wake(self) -> None:
        """Tell the upstream that there is work."""
        self.tenancy.wake()

    def configure(self, config: AppTable) -> None:
        """Go on with other settings; what was accepted keeps the delivery it was accepted with."""
        if config.rate != self.config.rate:
            self._pace = TokenBucket(config.rate, self._now())
        self.config = config
        self.wake()

    def hand_over(self, upstream: IUpstream, lease: "QueueLease") -> Deferred[None]:
        """Give the queue to another upstream, which was started; see `UpstreamSlot.retire`."""
        closing = self.tenancy.retire()
        self.graveyard.distrust()
        self.tenancy.succeed(upstream, lease)
        self.wake()
        return closing

    def put(self, batch: Batch, runs: Runs | None = None, past: Past = ()) -> None:
        """Queue an accepted batch: these runs of members, or all without those refused at the door."""
        once, now = self._intentions.needed(batch), self._now()
        for start, stop in without(len(batch), batch.refused) if runs is None else runs:
            self.lane.put(BatchSlice(batch, start, stop, cleared=not once, past=past), now)
        if once:
            self._intentions.added()
        self.wake()

    def recovered(self, kept: Kept, restarted: bool = True) -> None:
        """Queue what a spool kept; what may have been written and must not be written twice is in doubt.

        :param restarted: it was accepted before this process began.
        """
        past = (Step(Event.RESTARTED, self._context.wall()),) if restarted else ()
        doubtful = overlap(kept.left, kept.intended)
        self.settle(
            [
                Verdict(
                    BatchSlice(kept.batch, *run, attempts=1, past=past),
                    State.UNKNOWN,
                    reason="GatewayRestarted",
                )
                for run in doubtful
            ]
        )
        self.put(kept.batch, outside(kept.left, doubtful), past)

    def set_rate(self, rate: float) -> None:
        """Have the app send so many a second at most from now on; 0 sets no limit."""
        self._pace.change(rate, self._now())
        self.wake()

    def pace(self, batch: Batch, rate: float) -> None:
        """Have a batch, in memory or in the spool, and what shares its pace, go at another rate."""
        self.lane.pace(batch, rate, self._now())
        self.wake()

    def waiting(self) -> int:
        """Notifications that count for the queue's limit: those being accepted just now are among them."""
        return self.depth() + self.arriving

    def soon(self) -> int:
        """Notifications in memory that do not wait for a rate of their own."""
        return self.lane.depth - self.lane.paced.depth

    def pressed(self, relieved: Callable[[], None]) -> Callable[[], None] | None:
        """See `IGateway.pressed`."""
        return self.pressure.wait(relieved) if self.pressure.rises(self.waiting()) else None

    def relieve(self) -> None:
        """Let everybody go on who paused because of this queue, full or not."""
        self.pressure.relieve(lambda: 0)

    def limit(self, limits: Limits) -> None:
        """Go on with other limits."""
        self._expiry = limits.expiry
        self.pressure.limit(limits.queue)
        self._relieve_later()

    def doubt(self, batch: Batch) -> None:
        """Settle a batch that somebody else may have sent, and that must not be sent twice."""
        runs = without(len(batch), batch.refused)
        self.settle(
            [
                Verdict(BatchSlice(batch, *run, attempts=1), State.UNKNOWN, reason="Redelivered")
                for run in runs
            ]
        )

    def sweep(self) -> None:
        """While the push service cannot be reached: let what waited too long expire. Call it now and then."""
        self.backlog.refill()
        self._relieve_later()
        if self._down_since is not None:
            self.settle(
                [send_filter.expired(span) for span in self.lane.drop(self._has_expired)]
                + [send_filter.unreachable(span) for span in self.lane.drop(self._has_waited)]
            )

    def withdraw(self, batch: Batch, index: int) -> bool:
        """Cancel a notification that still waits; False when it does not."""
        span = self.lane.find(batch, index)
        if span is None:
            return False
        self.settle([Verdict(self.lane.withdraw(span, index), State.CANCELLED)])
        self._relieve_later()
        self._tell_if_empty()
        return True

    def withdraw_batches(self, numbers: AbstractSet[int]) -> None:
        """Cancel what waits of the batches with these ids; not what was told as `presumed` before."""
        spans = self.lane.drop(lambda span: span.batch.id in numbers and not span.recalled)
        self.settle([Verdict(span, State.CANCELLED) for span in spans])
        self._tell_if_empty()

    def whole(self, batch: Batch) -> BatchSlice:
        """All of a batch as one span, to tell of a member that was written: once at least."""
        return BatchSlice(batch, 0, len(batch), attempts=1)

    def stats(self) -> dict[str, Any]:
        """How the app is doing, ready for JSON."""
        state = self.tenancy.state()
        return {
            "upstream": self.config.upstream,
            "queue": self.depth(),
            "queue_age": self._age(),
            "pressed": self.pressure.on,
            "paced": self.lane.paced.depth,
            "rate": self._pace.rate,
            "window": state.window,
            "connections": state.connections,
            "circuit": {"open": state.circuit_open, "cause": state.circuit},
            "certificate_expires": state.certificate_expires,
            "dead_tokens": len(self.graveyard.tokens),
        }

    def _age(self) -> float:
        oldest = self.lane.oldest
        # The clock may have been set back.
        return 0.0 if oldest is None else round(max(0.0, self._context.wall() - oldest), 3)

    async def drain(self) -> None:
        """Send what waits as long as the push service is of use, settle what is in flight, close.

        Cancelled, it closes at once.
        """
        try:
            if self.tenancy.started:
                await self._emptied()
            await maybeDeferred(self.upstream.stop)
            await self.graveyard.idle()
        finally:
            self.tenancy.abort()
            self.rest()

    def rest(self) -> None:
        """Nothing will be written any more."""
        self.relieve()
        if self._pause is not None:
            self._pause.cancel()
        self.backlog.stop()
        self._intentions.forgo()

    # IWork, called by the upstream

    def depth(self) -> int:
        return self.lane.depth + len(self.backlog)

    def has_suspects(self) -> bool:
        return self.lane.has_suspects

    def take(self, limit: int, idle: bool) -> list[BatchSlice]:
        spans = self._take_suspects() if idle else []
        allowed = limit
        if not spans:
            allowed = self._pace.allows(limit, self._now())
            spans = self._take(allowed)
        self._pace.spend(sum(map(len, spans)))
        self._wake_later(held_back=allowed < limit)
        self._intentions.record()
        self.backlog.refill()
        self._relieve_later()
        self._tell_if_empty()
        return spans

    def settle(self, verdicts: Sequence[Verdict], upstream: str = "") -> None:
        if not verdicts:
            return
        at, kind = self._context.wall(), upstream or self.config.upstream
        self.graveyard.told(verdicts)
        self._publish(self.app, [Outcome(v.span, v.state, v.status, v.reason, at, kind) for v in verdicts])

    def outcome(self, verdict: Verdict) -> Outcome:
        """A verdict as it is told now."""
        at, kind = self._context.wall(), self.config.upstream
        return Outcome(verdict.span, verdict.state, verdict.status, verdict.reason, at, kind)

    def requeue(self, spans: Sequence[BatchSlice]) -> None:
        self._context.metrics.count("pushgate_resent_total", self.app, times=sum(map(len, spans)))
        self.lane.requeue(spans)
        self.wake()

    def tokens_died(self, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        # The report first: the service lists a token once, and a refusal would make up for a lost entry.
        self._report_dead(deaths)
        return self.graveyard.died(deaths)

    def token_rejected(
        self, token: bytes, first: bool, reason: DeadReason = DeadReason.INVALID_TOKEN
    ) -> bool:
        return self.graveyard.rejected(token, reason, first)

    def reachable(self, yes: bool) -> None:
        if yes:
            self._down_since = None
        elif self._down_since is None:
            self._down_since = self._now()
            self._tell_if_empty()

    def _report_dead(self, deaths: Sequence[DeadTokenEntry]) -> None:
        at, kind = self._context.wall(), self.config.upstream
        self._publish(self.app, [DeadToken(self.app, each.token, each.since, at, kind) for each in deaths])

    def _take_suspects(self) -> list[BatchSlice]:
        spans: list[BatchSlice] = []
        while not spans and self.lane.has_suspects:
            spans = [live for span in self.lane.take_suspects() for live in self._screened(span)]
        return spans

    def _take(self, limit: int) -> list[BatchSlice]:
        spans: list[BatchSlice] = []
        now = self._now()
        while limit > 0 and (span := self.lane.take(limit, now)) is not None:
            live = self._screened(span)
            spans += live
            limit -= sum(map(len, live))
        return spans

    def _emptied(self) -> Deferred[None]:
        """Fires when nothing waits, or what waits cannot be sent anyway."""
        self._empty = Deferred()
        emptied = self._empty
        self._tell_if_empty()
        return emptied

    def _tell_if_empty(self) -> None:
        if self._empty is not None and (self.depth() <= self._patient() or self._down_since is not None):
            empty, self._empty = self._empty, None
            # In a turn of its own: the upstream, which is stopped then, may just be taking.
            self._context.reactor.callLater(0, empty.callback, None)

    def _patient(self) -> int:
        """How many wait for a rate of their own that a stop need not wait for, since the spool keeps them."""
        return self.lane.paced.depth if self._spool.pages else 0

    def _relieve_later(self) -> None:
        """Let go on who paused, in a turn of its own: the upstream, which will get more, may be taking."""
        if self.pressure.on and self._relief is None and self.waiting() <= self.pressure.low:
            self._relief = self._context.reactor.callLater(0, self._relieve)

    def _relieve(self) -> None:
        self._relief = None
        self.pressure.relieve(self.waiting)

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now

    def _has_expired(self, span: BatchSlice) -> bool:
        return send_filter.has_expired(span, self._context.wall())

    def _has_waited(self, span: BatchSlice) -> bool:
        return send_filter.has_waited(span, self._down_since, self._now(), self._expiry)

    def _screened(self, span: BatchSlice) -> list[BatchSlice]:
        """What of a span may be written now; the rest gets its outcome."""
        if self._has_expired(span):
            self.settle([send_filter.expired(span)])
            return []
        if self._has_waited(span):
            self.settle([send_filter.unreachable(span)])
            return []
        live, suppressed = send_filter.suppress(span, self.graveyard.tokens)
        self.settle(suppressed)
        return live

    def _wake_later(self, held_back: bool) -> None:
        """Wake the upstream when a rate allows more: the app's, which held some back, or a batch's own."""
        waits = [self._pace.wait()] if held_back and self.lane.has_ready else []
        if self.lane.paced.depth and (wait := self.lane.paced.wait(self._now())) is not None:
            waits.append(wait)
        if not waits:
            return
        soon = max(min(waits), TICK)
        if self._pause is None:
            self._pause = self._context.reactor.callLater(soon, self._resume)
        elif self._pause.getTime() > self._now() + soon:
            self._pause.reset(soon)

    def _resume(self) -> None:
        self._pause = None
        self.wake()
