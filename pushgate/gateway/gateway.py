"""The gateway as inputs see it: composed of the way in, the apps, the way back, and the look-ups.

The one place that knows inputs, spool, apps and sinks, all of them by interface only.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from msgspec.structs import replace
from twisted.internet.defer import CancelledError, Deferred, DeferredList, fail
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.gateway.admission import Admission
from pushgate.gateway.apps.app_registry import AppRegistry, Candidate
from pushgate.gateway.limits import Limits
from pushgate.gateway.lookup import Lookup
from pushgate.gateway.outcomes.batch_callbacks import BatchCallbacks
from pushgate.gateway.outcomes.outbox import Outbox
from pushgate.gateway.outcomes.recorder import OutcomeRecorder
from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.gateway.send_tests import SendTests
from pushgate.gateway.spool.interface import ISpool
from pushgate.gateway.traffic import Traffic
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import CannotStart, Invalid, Refusal, ShuttingDown
from pushgate.model.notification import Submission, check_rate
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import Outcome
from pushgate.model.send_test import SendTestResult
from pushgate.model.trace import NotificationTrace
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.gateway_interface import IGateway, IOutcomeSampler, Receipt, Settled
from pushgate.plugin.guard import error_boundary
from pushgate.plugin.mdm_interface import IEnrolments, IWakesDevices
from pushgate.plugin.settings import AppTable
from pushgate.plugin.sink_interface import IOutcomeSink, IReplays
from pushgate.plugin.upstream_interface import IChannels, IHasChannels, IUpstream

SWEEP: Final = 1.0
"""Seconds between two looks for what expired in the queues of unreachable push services."""
Reload = Callable[[], "Deferred[list[str]]"]
"""Reads the configuration again; see `IGateway.reload`."""
__all__ = ["Gateway", "Limits"]


@implementer(IGateway)
class Gateway:
    """Composed first, then started; `IGateway` says what the inputs may call.

    :param entropy: 58 random bits, new at each call.
    :ivar process: returns what `stats` has of the process, its disk and its versions.
    """

    log = Logger()

    def __init__(self, context: Context, spool: ISpool, limits: Limits, entropy: Callable[[], int]) -> None:
        self._context, self._spool = context, spool
        self._tracker, self._outbox, callbacks = OutcomeTracker(), Outbox(context, spool), BatchCallbacks()
        self._recorder = OutcomeRecorder(context, self._tracker, self._outbox, callbacks)
        self._apps = AppRegistry(context, spool, self._recorder, limits)
        self._admission = Admission(context, spool, self._apps, callbacks, entropy)
        self._lookup = Lookup(context, spool, self._apps, self._tracker, self._outbox)
        self._send_tests = SendTests(context.reactor, self.submit, self.status)
        self.on_reload: Reload = _no_reload
        self.process: Callable[[], dict[str, Any]] = dict
        self._traffic = Traffic(context.metrics)
        self._started_at = self._now()
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = context.reactor

    def add_app(self, app: str, config: AppTable, factory: IUpstreamFactory) -> None:
        """Add an app and its upstream; raise `CannotStart` when the upstream cannot be made."""
        self._apps.add(app, config, factory)

    def add_sink(self, name: str, sink: IOutcomeSink, buffer: int) -> Callable[[], None]:
        """As `attach`, for a sink of the configuration: a crash does not make it miss anything."""
        with error_boundary(f"sinks.{name}: its start"):
            return self._outbox.attach(name, sink, buffer, watches=False)

    def start(self) -> Deferred[None]:
        """Queue what the spool kept, then begin to send; fails with `CannotStart`."""
        return Deferred.fromCoroutine(self._start())

    def upstreams(self) -> dict[str, IUpstream]:
        """The upstream of each app."""
        return {app.name: app.slot.upstream for app in self._apps}

    # while it runs: a reload prepares all it needs, and then makes it so

    def candidate(self, app: str, config: AppTable, factory: IUpstreamFactory) -> Candidate:
        """An upstream for an app, new or known, that does not have its queue yet; raise `CannotStart`."""
        return self._apps.candidate(app, config, factory)

    def admit(self, candidate: Candidate, patience: float) -> None:
        """See `AppRegistry.admit`."""
        self._apps.admit(candidate, patience)

    def adjust(self, app: str, config: AppTable) -> None:
        """Change settings of an app that its upstream does not look at."""
        known = self._apps.configured(app)
        known.configure(config, known.rules)

    def remove_app(self, app: str, patience: float) -> None:
        """See `AppRegistry.remove`."""
        self._apps.remove(app, patience)

    def limit(self, limits: Limits) -> None:
        """Go on with other limits."""
        self._apps.limit(limits)

    def detach(self, name: str) -> Deferred[None]:
        """Report nothing more to the sink of this name; fires when it has taken what waits, and is closed."""
        return self._outbox.detach(name)

    # IGateway, called by the inputs

    def has_app(self, app: str) -> bool:
        return app in self._apps

    def pace_app(self, app: str, rate: float) -> None:
        self._apps.configured(app).queue.set_rate(check_rate(rate))

    def pace_batch(self, number: int, rate: float) -> bool | Deferred[bool]:
        return self._lookup.pace(number, check_rate(rate))

    def pressed(self, app: str, relieved: Callable[[], None]) -> Callable[[], None] | None:
        if self._admission.closed or app not in self._apps:
            return None
        capacity = self._apps.configured(app).queue.capacity
        return capacity.pressed(lambda: self._relieved(app, relieved))

    def accepting(self) -> bool:
        return not self._admission.closed

    def rules(self, app: str) -> NotificationRules:
        return self._apps.configured(app).rules

    def channels(self, app: str) -> IChannels:
        upstream = self._admission.open_for(app).slot.upstream
        if not IHasChannels.providedBy(upstream):
            raise Invalid("app", f"{app} has no channels", "an app whose upstream has them: apns-http2")
        channels: IChannels = upstream.channels
        return channels

    def enrolments(self, app: str) -> IEnrolments:
        upstream, devices = self._admission.open_for(app).slot.upstream, self._context.managed_devices
        topic = upstream.mdm_topic if IWakesDevices.providedBy(upstream) else None
        if topic is None or devices is None:
            raise Invalid("app", f"{app} is not for MDM", "an app with mdm = true")
        enrolments: IEnrolments = devices.of(app, topic)
        return enrolments

    def max_payload(self, app: str) -> int:
        known = self._apps.configured(app)
        return min(known.config.max_payload, known.rules.max_payload)

    def attach(self, name: str, sink: IOutcomeSink, buffer: int) -> Callable[[], None]:
        return self._outbox.attach(name, sink, buffer, watches=True)

    def sampler(self, limit: int) -> IOutcomeSampler:
        return self._outbox.sampler(limit)

    def replays(self) -> IReplays | None:
        return self._outbox.replays()

    def caught_up(self) -> Deferred[None]:
        return self._outbox.caught_up()

    def submit(
        self, submission: Submission, input_name: str, settled: Settled | None = None
    ) -> Deferred[Receipt]:
        return Deferred.fromCoroutine(self._admission.submit(submission, input_name, settled))

    def test_send(self, submission: Submission, input_name: str, patience: float) -> Deferred[SendTestResult]:
        return Deferred.fromCoroutine(self._test_send(submission, input_name, patience))

    def status(self, number: int) -> Outcome | Deferred[Outcome]:
        return self._lookup.status(number)

    def trace(self, number: int) -> Deferred[NotificationTrace]:
        return Deferred.fromCoroutine(self._lookup.trace(number))

    def cancel(self, number: int) -> bool | Deferred[bool]:
        return self._lookup.cancel(number)

    def reload(self) -> Deferred[list[str]]:
        if self._admission.closed:
            return fail(ShuttingDown())
        return self.on_reload()

    def flush(self, number: int) -> Deferred[int]:
        if self._admission.closed:
            return fail(ShuttingDown())
        return Deferred.fromCoroutine(self._lookup.flush(number))

    def dead_tokens(self, app: str, after: bytes, limit: int) -> list[DeadTokenEntry]:
        return self._apps.configured(app).dead_tokens.tokens.page(after, limit)

    def dead_token(self, app: str, token: bytes) -> DeadTokenEntry | None:
        return self._apps.configured(app).dead_tokens.find(token)

    def bury(self, app: str, deaths: Sequence[DeadTokenEntry]) -> Deferred[int]:
        known = self._admission.open_for(app)
        if (canonical := known.rules.canonical) is not None:
            deaths = [replace(each, token=canonical(each.token)) for each in deaths]
        return known.dead_tokens.bury(deaths)

    def forget(self, app: str, tokens: Sequence[bytes]) -> Deferred[int]:
        known = self._admission.open_for(app)
        if (canonical := known.rules.canonical) is not None:
            tokens = [canonical(each) for each in tokens]
        return known.dead_tokens.forget(tokens)

    def withdraw(self, numbers: Collection[int]) -> None:
        wanted = set(numbers)
        for app in self._apps:
            app.queue.withdraw_batches(wanted)

    def stats(self) -> dict[str, Any]:
        names = [app.name for app in self._apps]
        traffic = self._traffic.stats(names, self._now())
        return {
            "at": round(self._context.wall(), 3),
            "uptime": round(self._now() - self._started_at, 3),
            "accepting": self.accepting(),
            "unsettled": self.left(),
            "apps": {app.name: app.stats() | traffic[app.name] for app in self._apps},
            "sinks": self._outbox.stats(),
            "outcomes": self._recorder.counts(names),
            "hubs": {name: hub.stats() for name, hub in self._context.hubs.items()},
            **self.process(),
        }

    # stopping, in this order; each step is bounded by the caller, which cancels its Deferred

    def refuse(self) -> None:
        """Take nothing new from now on; paused senders go on and are refused."""
        self._admission.closed = True
        for app in self._apps:
            app.queue.capacity.relieve()

    def reopen(self) -> None:
        """Have every sink open its files anew."""
        self._outbox.reopen()

    def drain(self) -> Deferred[None]:
        """Send what can be sent and settle what is in flight; fires when all upstreams are closed."""
        draining = [
            Deferred.fromCoroutine(app.drain()).addErrback(self._not_drained, app.name) for app in self._apps
        ]
        return _all([*draining, *self._apps.endings()])

    async def close(self) -> None:
        """Flush the sinks and close the spool."""
        if self._sweeper.running:
            self._sweeper.stop()
        self._send_tests.stop()
        await self._outbox.close()
        await self._spool.close()

    @property
    def durable(self) -> bool:
        """Whether what has no outcome is kept over a restart."""
        return bool(self._spool.pages)

    def settled(self) -> int:
        """Outcomes so far, corrections included."""
        return self._recorder.settled

    def left(self) -> int:
        """Notifications without an outcome."""
        return self._tracker.unsettled + sum(app.queue.in_spool for app in self._apps)

    async def _test_send(self, submission: Submission, origin: str, patience: float) -> SendTestResult:
        try:
            self._admission.open_for(submission.app)  # so that only apps have a rate
            self._send_tests.check(submission)
        except Refusal as refusal:
            self._admission.count_refusal(submission, origin, refusal)
            raise
        return await self._send_tests.send(submission, origin, patience)

    # the start

    async def _start(self) -> None:
        self._spool.start()
        self._admission.order = self._spool.last_order()
        self._outbox.recover()
        self._apps.found(self._spool.waiting())
        for app in self._apps:
            await app.dead_tokens.recover()
        await _all(app.queue.fill() for app in self._apps)
        if self._admission.closed:
            raise CancelledError
        for app in self._apps:
            app.slot.start()
        self._traffic.sample(self._now())
        self._sweeper.start(SWEEP, now=False)

    def _relieved(self, app: str, relieved: Callable[[], None]) -> None:
        try:
            relieved()
        except Exception:  # noqa: BLE001 - an input's fault must not keep the others paused
            self.log.failure("telling an input that the queue of {app} has room", app=app)

    # while it runs

    def _not_drained(self, failure: Failure, app: str) -> None:
        if not failure.check(CancelledError):
            self.log.failure("stopping the upstream of {app}", failure, app=app)

    def _sweep(self) -> None:
        self._traffic.sample(self._now())
        self._outbox.note_taken()
        for app in self._apps:
            try:
                app.queue.sweep()
            except Exception:  # noqa: BLE001 - one app's trouble must not end the sweep of the others
                self.log.failure("sweeping the queue of {app}", app=app.name)

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now


def _no_reload() -> Deferred[list[str]]:
    return fail(
        CannotStart(["there is no configuration file to read again; start the gateway with --config FILE"])
    )


def _all(deferreds: "Any") -> "Deferred[None]":
    """Fires when all have fired; cancelling it cancels each. Who fails has logged it."""
    waiting: Deferred[Any] = DeferredList(list(deferreds), consumeErrors=True)
    return waiting.addCallback(lambda _: None)
