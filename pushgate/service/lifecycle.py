"""The order in which everything starts, and stops again."""

import signal
import sys
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.model.errors import CannotStart, PushgateError
from pushgate.net.log_output import OwnLog
from pushgate.plugin.guard import error_boundary
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.optional_interfaces import IAddressed
from pushgate.service.exit_status import FAILED, end_with
from pushgate.service.opening import start_inputs, start_sinks
from pushgate.service.parts import Parts, not_stopped
from pushgate.service.reactor_watchdog import Watchdog
from pushgate.service.reload import Reloader
from pushgate.service.signals import END, on_signals
from pushgate.service.systemd_notify import SystemdNotifier

FLUSH_TIMEOUT: Final = 5.0
"""Seconds that the sinks and the spool, and then the inputs, have to close after the drain."""
HUB_BUFFER: Final = 1_000_000
"""Reports that may wait for a hub while its database is out of reach."""
HURRY: Final = 0.5
"""Seconds that each of them has after a second signal."""
GRACE: Final = 3.0
"""Seconds that a part which was cut short has to end; then it is left behind."""
ENDING: Final = 20.0
"""Seconds that a stop takes at most after the drain: the sum of the above over all steps."""


class GivenUp(SystemExit, Exception):
    """Ends the process with a status and no traceback; the reason was reported already.

    It is an Exception too, because twistd cleans up for those only: it removes its pid file, and reports to
    the process that started a daemon, which would wait for ever otherwise.
    """


class Phase(Enum):
    """The state of a lifecycle."""

    STARTING = auto()
    READY = auto()
    STOPPING = auto()
    HURRYING = auto()
    """A second signal came: nothing is waited for."""


class Lifecycle(OwnLog):
    """Sinks first, then upstreams, then inputs, so that a port that listens means ready.

    :param reactor: provides IReactorCore, IReactorTime and IReactorFromThreads.
    :param hint: next steps for the operator, logged when it is ready.
    :param reloader: takes up changes of the configuration once all is started.
    :param watchdog: watches over the reactor while this runs.
    :param notifier: reports to the service manager.
    :param end_with: has the process end with a status.
    """

    log = Logger()

    def __init__(
        self,
        parts: Parts,
        reactor: Any,
        hint: str = "",
        reloader: Reloader | None = None,
        watchdog: Watchdog | None = None,
        notifier: SystemdNotifier | None = None,
        end_with: Callable[[int], None] = end_with,
    ) -> None:
        self._end_with = end_with
        self._parts, self._gateway = parts, parts.gateway
        self._reactor, self._hint = reactor, hint
        self._reloader, self._watchdog = reloader, watchdog
        self._notifier = notifier or SystemdNotifier("", 0.0, reactor, reactor.seconds)
        self._starting: Deferred[None] = succeed(None)
        self._draining: Deferred[None] = succeed(None)
        self._phase = Phase.STARTING
        self._cutoff: IDelayedCall | None = None

    def startService(self) -> None:
        """Start everything; end the process with one line per fault when that is not possible."""
        super().startService()  # type: ignore[no-untyped-call]  # untyped in Twisted
        failures: list[Failure] = []
        starting = self.start().addErrback(failures.append)
        if failures:
            self._give_up(failures[0])
            raise GivenUp(FAILED)
        starting.addCallback(lambda _: self._give_up_later(failures))

    def stopService(self) -> Deferred[None]:
        """Drain and stop; fires when all is closed."""
        super().stopService()  # type: ignore[no-untyped-call]  # untyped in Twisted
        return self.stop()

    def start(self) -> Deferred[None]:
        """Start everything; fails with `CannotStart`."""
        if self._watchdog is not None:
            self._watchdog.start()
        self._starting = Deferred.fromCoroutine(self._start()).addErrback(self._not_started)
        return self._starting

    def stop(self) -> Deferred[None]:
        """Stop in order, bounded in time; logs in one line what was left. Never fails."""
        self._phase = Phase.STOPPING
        self._notifier.stopping(self._parts.drain_timeout + ENDING)
        self._gateway.refuse()
        self._starting.cancel()
        if self._reloader is not None:
            self._reloader.stop()
        on_signals(self._reactor, self._hurry, *END)
        return Deferred.fromCoroutine(self._stop())

    # while it runs

    def hangup(self) -> None:
        """Have the sinks open their files anew, and take up what was changed in the configuration."""
        self._notifier.reloading()
        self._gateway.reopen()
        reloading: Deferred[str] = succeed("")
        if self._reloader is not None and self._phase is Phase.READY:
            reloading = self._reloader.run().addCallbacks(lambda _: "", self._not_reloaded)
        reloading.addCallback(self._notifier.reloaded)

    async def _start(self) -> None:
        self._notifier.start()
        if hasattr(signal, "SIGHUP"):  # from the first moment on: by default it ends the process
            on_signals(self._reactor, self.hangup, signal.SIGHUP)
        hubs = {f"hubs.{name}": (hub.sink, HUB_BUFFER) for name, hub in self._parts.hubs.items()}
        start_sinks(self._gateway, self._parts.sinks | hubs)
        await self._start_gateway()
        await start_inputs(self._parts.inputs)
        await self._running()
        if self._phase is not Phase.STARTING:
            return  # it was stopped meanwhile, and an input ended its start well all the same
        if self._reloader is not None:
            self._gateway.on_reload = self._reloader.run
            self._reloader.start()
        self._phase = Phase.READY
        self._notifier.ready()
        self.log.info("pushgate is ready{where}{hint}", where=self._where(), hint=self._hint)

    async def _start_gateway(self) -> None:
        """Start what sends, and then what submits by itself."""
        devices = self._parts.devices
        if devices is not None:
            devices.open()
        await self._gateway.start()
        if devices is not None:
            devices.start()
        for name, hub in self._parts.hubs.items():
            with error_boundary(f"hubs.{name}: its start"):
                hub.start()

    def _running(self) -> Deferred[None]:
        """Fires when the reactor runs: until then a signal to end is a traceback, and not a stop in order."""
        running: Deferred[None] = Deferred()
        self._reactor.callWhenRunning(running.callback, None)
        return running

    def _where(self) -> str:
        """The addresses of inputs, and of sinks and upstreams that have some, one a line."""
        found = {
            name: self._addresses(name, part)
            for name, part in self._parts.named().items()
            if IInput.providedBy(part) or IAddressed.providedBy(part)
        }
        lines = [(name, address) for name, addresses in found.items() for address in addresses]
        width = max((len(name) for name, _ in lines), default=0)
        return "".join(f"\n  {name:{width}}  {address}" for name, address in lines)

    def _addresses(self, name: str, part: Any) -> list[str]:
        try:
            return list(part.addresses())
        except Exception:  # noqa: BLE001 - a plug-in's code, and no reason not to be ready
            self.log.failure("{name}: its addresses", name=name)
            return []

    async def _stop(self) -> None:
        before = self._gateway.settled()
        deadline = self._reactor.seconds() + self._parts.drain_timeout
        await self._stop_submitting(deadline)
        self._draining = self._gateway.drain()
        await self._bounded("sending what waits", self._draining, deadline)
        left, settled = self._gateway.left(), self._gateway.settled() - before
        deadline = self._reactor.seconds() + (HURRY if self._phase is Phase.HURRYING else FLUSH_TIMEOUT)
        await self._bounded("the sinks", Deferred.fromCoroutine(self._gateway.close()), deadline)
        # The inputs last: through them callers watch the outcomes of the rest. They have long refused more.
        inputs = {name: maybeDeferred(each.stop) for name, each in self._parts.inputs.items()}
        for name, closing in inputs.items():
            await self._bounded(f"input {name}", closing, deadline)
        await self._bounded("what a reload closed", self._parts.all_closed(), deadline)
        self.log.info(
            "pushgate has stopped; {left} notifications have no outcome{where}; "
            "{settled} were settled while it drained",
            left=left,
            settled=settled,
            where=f" and {'stay in the spool' if self._gateway.durable else 'are lost'}" if left else "",
        )
        if self._watchdog is not None:
            self._watchdog.stop()
        self._notifier.stop()

    async def _stop_submitting(self, deadline: float) -> None:
        """Stop what would go on submitting by itself."""
        for name, hub in self._parts.hubs.items():
            await self._bounded(f"hub {name}", hub.stop(), deadline)
        if self._parts.devices is not None:
            await self._bounded("managed devices", self._parts.devices.stop(), deadline)

    def _hurry(self) -> None:
        """Handle a second signal: cut off what is in flight, and close the spool."""
        if self._phase is not Phase.HURRYING:
            self._phase = Phase.HURRYING
            self.log.warn("a second signal: stopping at once")
            self._draining.cancel()
            if self._cutoff is not None and self._cutoff.active():
                rest: float = self._cutoff.getTime() - self._reactor.seconds()
                self._cutoff.reset(min(HURRY, rest))

    def _not_reloaded(self, failure: Failure) -> str:
        if not failure.check(PushgateError, CancelledError):  # those were logged already
            self.log.failure("reloading", failure)
        return "not reloaded, nothing has changed: see the log"

    async def _bounded(self, what: str, ending: Deferred[None], deadline: float) -> None:
        """Wait for `ending`, until `deadline` only: then cut it short. A failure is logged."""
        ending.addErrback(not_stopped, what)
        if await self._ended(ending, deadline - self._reactor.seconds()):
            return
        self.log.warn("stopping, {what}: took too long and was cut short", what=what)
        ending.cancel()
        if not await self._ended(ending, GRACE):
            self.log.error("stopping, {what}: does not end, is left behind", what=what)

    async def _ended(self, ending: Deferred[None], seconds: float) -> bool:
        """Wait for `ending`; False when it has not fired after `seconds`."""
        race: Deferred[bool] = Deferred()
        cutoff = self._reactor.callLater(max(0.0, seconds), race.callback, False)

        def won(_: object) -> None:
            if cutoff.active():
                cutoff.cancel()
                race.callback(True)

        ending.addCallback(won)
        self._cutoff = cutoff
        return await race

    def _not_started(self, failure: Failure) -> Failure:
        if self._watchdog is not None:
            self._watchdog.stop()
        return failure

    def _give_up(self, failure: Failure) -> None:
        if failure.check(CannotStart):
            for fault in failure.value.faults:  # type: ignore[union-attr]  # it is a CannotStart
                self.log.critical("cannot start: {fault}", fault=fault)
                if sys.__stderr__ is not None:  # `sys.stderr` goes to the log by now
                    sys.__stderr__.write(f"pushgate: cannot start: {fault}\n")
        else:
            self.log.failure("cannot start", failure)

    def _give_up_later(self, failures: list[Failure]) -> None:
        """End the process in order: the start failed when the reactor was running already."""
        if failures and not failures[0].check(CancelledError):
            self._give_up(failures[0])
            self._end_with(FAILED)
            self._reactor.stop()
