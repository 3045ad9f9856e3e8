"""The apps there are: how one comes, gets another upstream, and goes, while the gateway runs."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.gateway.apps.queue_lease import QueueLease
from pushgate.gateway.limits import Limits
from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.gateway.queue.app_queue import Publish, Work
from pushgate.gateway.queue.backlog import Backlog
from pushgate.model.errors import CannotStart, UnknownApp
from pushgate.model.notification import Priority
from pushgate.model.outcome import State, Verdict
from pushgate.plugin.guard import checked, error_boundary
from pushgate.plugin.interfaces import Context, ISpool, IUpstream, IUpstreamFactory, Kept
from pushgate.plugin.settings import AppTable

_BEAT: Final = 0.1
"""Seconds between two looks whether the spool has answered for an app that leaves."""


class Candidate(msgspec.Struct, frozen=True):
    """An upstream that was made for an app, and does not have its queue yet."""

    work: Work
    config: AppTable
    upstream: IUpstream
    lease: QueueLease

    def start(self) -> None:
        """Let it connect; raise `CannotStart` when it cannot do what it must."""
        with error_boundary(f"apps.{self.work.app}: the start of its upstream"):
            self.upstream.start()

    def discard(self) -> None:
        """Close one that is not wanted, started or not."""
        self.work.tenancy.abort(self.upstream)


class AppRegistry:
    """The apps by name, those that are leaving, and what the spool has of others.

    :param publish: told every outcome.
    :param recover: queues a batch that comes from the spool.
    :ivar apps: what is submitted to.
    """

    log = Logger()

    def __init__(
        self,
        context: Context,
        spool: ISpool,
        ledger: OutcomeTracker,
        limits: Limits,
        publish: Publish,
        recover: Callable[[Kept], None],
    ) -> None:
        self._context, self._spool, self._ledger, self._limits = context, spool, ledger, limits
        self._publish, self._recover = publish, recover
        self.apps: dict[str, Work] = {}
        self._leaving: dict[str, Work] = {}
        self._unclaimed: Counter[tuple[str, int]] = Counter()
        self._endings: set[Deferred[None]] = set()

    def work(self, app: str) -> Work:
        """An app that has notifications under way, also one that is leaving."""
        return self.apps.get(app) or self._leaving[app]

    def configured(self, app: str) -> Work:
        """An app that is configured; raise `UnknownApp` for another."""
        if app not in self.apps:
            raise UnknownApp(app)
        return self.apps[app]

    def add(self, app: str, config: AppTable, factory: IUpstreamFactory) -> None:
        """Add an app before the start; raise `CannotStart` when its upstream cannot be made."""
        candidate = self.candidate(app, config, factory)
        candidate.work.tenancy.hold(candidate.upstream, candidate.lease)
        self.apps[app] = candidate.work

    def found(self, waiting: dict[tuple[str, int], int]) -> None:
        """At the start: what the spool has, by app and priority."""
        self._unclaimed.update(waiting)
        for work in self.apps.values():
            self._claim(work)
        for app in sorted({app for app, _ in self._unclaimed}):
            self._tell_unclaimed(app)

    # while the gateway runs

    def candidate(self, app: str, config: AppTable, factory: IUpstreamFactory) -> Candidate:
        """Make an upstream for an app, new or known, and change nothing.

        :raises CannotStart: it cannot be made.
        """
        if app in self._leaving:
            raise CannotStart([f"apps.{app}: it was removed and is still being closed; try again later"])
        work = self.apps.get(app) or self._work(app, config)
        lease = QueueLease(work, config.upstream)
        what = f'apps.{app}: upstream "{factory.name}"'
        with error_boundary(what):
            upstream = factory.upstream(app, config, lease, self._context)
        return Candidate(work, config, checked(upstream, IUpstream, what), lease)

    def admit(self, candidate: Candidate, patience: float) -> None:
        """Let a started candidate have the queue of its app at once.

        :param patience: seconds the upstream that had it may take to settle what it has in flight.
        """
        work = candidate.work
        if work.app in self.apps:
            work.configure(candidate.config)
            closing = work.hand_over(candidate.upstream, candidate.lease)
            self._end(closing, patience, f"{work.app}: the upstream that was replaced")
            return
        self.apps[work.app] = work
        work.tenancy.hold(candidate.upstream, candidate.lease)
        Deferred.fromCoroutine(self._open(work, candidate.lease)).addErrback(self._not_opened, work.app)

    def limit(self, limits: Limits) -> None:
        """Go on with other limits."""
        self._limits = limits
        for work in self.apps.values():
            work.limit(limits)

    def remove(self, app: str, patience: float) -> None:
        """Take nothing more for an app, settle what is in flight, and leave what waits in the spool.

        With a spool that keeps nothing, what waits is cancelled.

        :param patience: seconds its upstream may take to settle what it has in flight.
        """
        work = self._leaving[app] = self.apps.pop(app)
        work.backlog.stop()
        self._end(Deferred.fromCoroutine(self._leave(work)), patience, f"{app}: removed")

    def endings(self) -> list[Deferred[None]]:
        """What is still closing: each fires, and never fails, when it is closed; cancelled, at once."""
        return list(self._endings)

    def missed(self, work: Work, priority: Priority, count: int) -> None:
        """Notifications of an app were kept by the spool when the app had left already."""
        self._unclaimed[work.app, priority] += count

    def _work(self, app: str, config: AppTable) -> Work:
        limits, spool = self._limits, self._spool
        work = Work(app, config, self._context, limits, self._publish, spool)
        work.backlog = Backlog(app, spool, self._recover, work.soon, limits.held, limits.few)
        return work

    async def _open(self, work: Work, lease: QueueLease) -> None:
        """Have a new app know its dead tokens before anything is sent, and queue what the spool has of it."""
        await work.graveyard.recover()
        lease.grant()
        self._claim(work)
        work.backlog.refill()
        work.wake()

    def _not_opened(self, failure: Failure, app: str) -> None:
        self.log.failure("{app}: reading its dead tokens from the spool", failure, app=app)

    def _claim(self, work: Work) -> None:
        """Give an app what the spool has of it."""
        for key in [key for key in self._unclaimed if key[0] == work.app]:
            work.backlog.found(Priority(key[1]), self._unclaimed.pop(key))

    def _end(self, ending: Deferred[None], patience: float, what: str) -> None:
        """Let something close in the background, in time."""

        def late(_: object, seconds: float) -> None:
            self.log.warn("{what}: not closed after {seconds} s; cut short", what=what, seconds=seconds)

        ending.addTimeout(patience, self._context.reactor, late)
        ending.addErrback(self._not_closed, what)
        self._endings.add(ending)
        ending.addCallback(lambda _: self._endings.discard(ending))

    def _not_closed(self, failure: Failure, what: str) -> None:
        if not failure.check(CancelledError):
            self.log.failure("{what}", failure, what=what)

    async def _leave(self, work: Work) -> None:
        try:
            await work.tenancy.retire()
            while work.arriving:  # the spool is keeping some just now, and somebody waits for the answer
                await deferLater(self._context.reactor, _BEAT, lambda: None)
        finally:
            self._close(work)

    def _close(self, work: Work) -> None:
        """Nothing is in flight any more: part with what waits."""
        work.rest()
        spans = work.lane.drop(lambda _: True)
        if self._spool.pages:
            for span in spans:
                self._unclaimed[work.app, span.batch.terms.priority] += len(span)
            for priority, count in work.backlog.counts().items():
                self._unclaimed[work.app, priority] += count
            self._unclaimed += Counter()  # drops what is zero
            self._ledger.forget(work.app)
            self._tell_unclaimed(work.app)
        else:
            work.settle([Verdict(span, State.CANCELLED, reason="AppRemoved") for span in spans])
        work.closed = True
        del self._leaving[work.app]

    def _tell_unclaimed(self, app: str) -> None:
        count = sum(count for (name, _), count in self._unclaimed.items() if name == app)
        if count:
            self.log.warn(
                "{count} notifications of {app}, which is not configured any more, stay in the spool",
                count=count,
                app=app,
            )
