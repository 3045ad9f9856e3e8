"""The apps there are: how one comes, gets another upstream, and goes, while the gateway runs."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.gateway.apps.app import App
from pushgate.gateway.apps.queue_lease import QueueLease
from pushgate.gateway.limits import Limits
from pushgate.gateway.outcomes.recorder import OutcomeRecorder
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.errors import CannotStart, NotFound, UnknownApp
from pushgate.model.notification import Priority
from pushgate.model.notification_rules import NotificationRules
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.guard import checked, error_boundary
from pushgate.plugin.settings import AppTable
from pushgate.plugin.upstream_interface import IDeclaresRules, IUpstream

_BEAT: Final = 0.1
"""Seconds between two checks whether the spool has answered for an app that leaves."""


class Candidate(msgspec.Struct, frozen=True):
    """An upstream that was made for an app, and does not have its queue yet."""

    app: App
    config: AppTable
    rules: NotificationRules
    upstream: IUpstream
    lease: QueueLease

    def start(self) -> None:
        """Let it connect; raise `CannotStart` when it cannot do what it must."""
        with error_boundary(f"apps.{self.app.name}: the start of its upstream"):
            self.upstream.start()

    def discard(self) -> None:
        """Close one that is not wanted, started or not."""
        self.app.slot.abort(self.upstream)


class AppRegistry:
    """The apps by name, those that are leaving, and how much the spool has of others."""

    log = Logger()

    def __init__(self, context: Context, spool: ISpool, recorder: OutcomeRecorder, limits: Limits) -> None:
        self._context, self._spool, self._recorder, self._limits = context, spool, recorder, limits
        self._apps: dict[str, App] = {}
        self._leaving: dict[str, App] = {}
        self._unclaimed: Counter[tuple[str, int]] = Counter()
        self._endings: set[Deferred[None]] = set()

    def __iter__(self) -> Iterator[App]:
        """Iterate over the configured apps."""
        return iter(self._apps.values())

    def __contains__(self, name: str) -> bool:
        """Whether an app of this name is configured."""
        return name in self._apps

    def under_way(self, name: str) -> App:
        """Return an app that has notifications under way, also one that is leaving."""
        return self._apps.get(name) or self._leaving[name]

    def configured(self, name: str) -> App:
        """Return an app that is configured; raise `UnknownApp` for another."""
        if name not in self._apps:
            raise UnknownApp(name)
        return self._apps[name]

    def of_batch(self, name: str) -> App:
        """Return the app of a batch that is in the spool only; raise `NotFound` unless it is configured."""
        if name not in self._apps:
            raise NotFound
        return self._apps[name]

    def add(self, name: str, config: AppTable, factory: IUpstreamFactory) -> None:
        """Add an app before the start; raise `CannotStart` when its upstream cannot be made."""
        candidate = self.candidate(name, config, factory)
        candidate.app.slot.hold(candidate.upstream, candidate.lease)
        self._apps[name] = candidate.app

    def found(self, waiting: dict[tuple[str, int], int]) -> None:
        """At the start: note what the spool has, by app and priority."""
        self._unclaimed.update(waiting)
        for app in self:
            self._claim(app)
        for name in sorted({name for name, _ in self._unclaimed}):
            self._warn_of_unclaimed(name)

    # while the gateway runs

    def candidate(self, name: str, config: AppTable, factory: IUpstreamFactory) -> Candidate:
        """Make an upstream for an app, new or known, and change nothing.

        :raises CannotStart: it cannot be made.
        """
        if name in self._leaving:
            raise CannotStart([f"apps.{name}: it was removed and is still being closed; try again later"])
        rules = factory.rules
        app = self._apps.get(name) or App(
            name, config, rules, self._context, self._limits, self._recorder, self._spool
        )
        lease = QueueLease(app.queue, config.upstream)
        what = f'apps.{name}: upstream "{factory.name}"'
        with error_boundary(what):
            upstream = factory.upstream(name, config, lease, self._context)
        checked(upstream, IUpstream, what)
        if IDeclaresRules.providedBy(upstream):
            rules = upstream.rules
            if name not in self._apps:
                app.configure(config, rules)
        return Candidate(app, config, rules, upstream, lease)

    def admit(self, candidate: Candidate, patience: float) -> None:
        """Let a started candidate have the queue of its app at once.

        :param patience: seconds the upstream that had it may take to settle what it has in flight.
        """
        app = candidate.app
        if app.name in self._apps:
            app.configure(candidate.config, candidate.rules)
            closing = app.hand_over(candidate.upstream, candidate.lease)
            self._end(closing, patience, f"{app.name}: the upstream that was replaced")
            return
        self._apps[app.name] = app
        app.slot.hold(candidate.upstream, candidate.lease)
        Deferred.fromCoroutine(self._open(app, candidate.lease)).addErrback(self._not_opened, app.name)

    def limit(self, limits: Limits) -> None:
        """Go on with other limits."""
        self._limits = limits
        for app in self:
            app.queue.limit(limits)

    def remove(self, name: str, patience: float) -> None:
        """Take nothing more for an app, settle what is in flight, and leave what waits in the spool.

        With a spool that keeps nothing, what waits is cancelled.

        :param patience: seconds its upstream may take to settle what it has in flight.
        """
        app = self._leaving[name] = self._apps.pop(name)
        app.queue.stop_loading()
        self._end(Deferred.fromCoroutine(self._leave(app)), patience, f"{name}: removed")

    def endings(self) -> list[Deferred[None]]:
        """Return what is still closing. Each fires, and never fails, when closed; cancelled, at once."""
        return list(self._endings)

    def missed(self, app: App, priority: Priority, count: int) -> None:
        """Note that the spool kept notifications of an app that had left already."""
        self._unclaimed[app.name, priority] += count

    async def _open(self, app: App, lease: QueueLease) -> None:
        """Have a new app know its dead tokens before anything is sent, and queue what the spool has of it."""
        await app.dead_tokens.recover()
        lease.grant()
        self._claim(app)
        app.queue.open()

    def _not_opened(self, failure: Failure, name: str) -> None:
        self.log.failure("{app}: reading its dead tokens from the spool", failure, app=name)

    def _claim(self, app: App) -> None:
        """Give an app what the spool has of it."""
        keys = [key for key in self._unclaimed if key[0] == app.name]
        app.queue.found({Priority(key[1]): self._unclaimed.pop(key) for key in keys})

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

    async def _leave(self, app: App) -> None:
        try:
            await app.slot.retire()
            while app.queue.capacity.is_arriving:
                await deferLater(self._context.reactor, _BEAT, lambda: None)
        finally:
            self._close(app)

    def _close(self, app: App) -> None:
        """Part with what waits, when nothing is in flight any more."""
        app.queue.rest()
        for priority, count in app.queue.abandon().items():
            self._unclaimed[app.name, priority] += count
        self._unclaimed += Counter()  # drops what is zero
        self._warn_of_unclaimed(app.name)
        app.closed = True
        del self._leaving[app.name]

    def _warn_of_unclaimed(self, name: str) -> None:
        count = sum(count for (app, _), count in self._unclaimed.items() if app == name)
        if count:
            self.log.warn(
                "{count} notifications of {app}, which is not configured any more, stay in the spool",
                count=count,
                app=name,
            )
