"""The running whole: what starts in which order, and stops in the other."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.gateway.gateway import Gateway
from pushgate.model.errors import CannotStart, PushgateError
from pushgate.plugin.guard import error_boundary
from pushgate.plugin.interfaces import IAddressed, IInput, IOutcomeSink
from pushgate.service.systemd_notify import SystemdNotifier

if TYPE_CHECKING:
    from pushgate.service.reactor_watchdog import Watchdog
    from pushgate.service.reload import Reloader

FLUSH_TIMEOUT: Final = 5.0
"""Seconds the sinks, the spool and then the doors have to close after the drain."""
HURRY: Final = 0.5
"""Seconds each of them has once a second signal came."""
GRACE: Final = 3.0
"""Seconds that whatever was cut short has to end; then it is not waited for any longer."""
ENDING: Final = 20.0
"""Seconds that a stop takes at most after the drain: all that is above, for each step."""


class GivenUp(SystemExit, Exception):
    """Ends the process with a status and no traceback: why is said already.

    It is an Exception too, because twistd cleans up for those only: it removes its pid file, and tells the
    process that started a daemon, which would wait for ever otherwise.
    """


class Lifecycle(Service):
    """Sinks first, then upstreams, then doors, so that a port that listens means ready.

    :param sinks: name, sink, and how many reports may wait for it.
    :param inputs: the doors, by name; a reload adds and removes some.
    :ivar sinks: by name; a reload adds and removes some.
    :ivar watchdog: watches over the reactor while this runs.
    :param drain_timeout: seconds the upstreams have to finish what is under way; a reload may change it.
    :param hint: what people may do next, said when it is ready.
    """

    log = Logger()

    def __init__(
        self,
        gateway: Gateway,
        sinks: Sequence[tuple[str, IOutcomeSink, int]],
        inputs: dict[str, IInput],
        drain_timeout: float,
        reactor: Any,
        hint: str = "",
    ) -> None:
        self.gateway, self.inputs = gateway, inputs
        self.drain_timeout = drain_timeout
        self.sinks = {name: sink for name, sink, _ in sinks}
        self.watchdog: Watchdog | None = None
        self._sinks, self._reactor, self._hint = sinks, reactor, hint
        self._starting: Deferred[None] = succeed(None)
        self._draining: Deferred[None] = succeed(None)
        self._reload: Reloader | None = None
        self._closing: set[Deferred[None]] = set()
        self._ready = self._stopping = self._asked = self._hurried = False
        self._patience: IDelayedCall | None = None
        self._supervisor = SystemdNotifier("", 0.0, reactor, reactor.seconds)

    def use(self, reload: "Reloader") -> None:
        """Let this take up changes of the configuration, once all is started."""
        self._reload = reload

    def report_to(self, supervisor: SystemdNotifier) -> None:
        """Tell whoever supervises the process how things are."""
        self._supervisor = supervisor

    def startService(self) -> None:
        """Start everything; end the process with one line per fault when that is not possible."""
        super().startService()  # type: ignore[no-untyped-call]  # untyped in Twisted
        failures: list[Failure] = []
        starting = self.start().addErrback(failures.append)
        if failures:
            self._give_up(failures[0])
            raise GivenUp(1)
        starting.addCallback(lambda _: self._give_up_later(failures))

    def stopService(self) -> Deferred[None]:
        """Drain and stop; fires when all is closed."""
        super().stopService()  # type: ignore[no-untyped-call]  # untyped in Twisted
        return self.stop()

    def start(self) -> Deferred[None]:
        """Start everything; fails with `CannotStart`."""
        if self.watchdog is not None:
            self.watchdog.start()
        self._starting = Deferred.fromCoroutine(self._start()).addErrback(self._not_started)
        return self._starting

    def stop(self) -> Deferred[None]:
        """Stop in the order of the house, bounded in time; says in one line what was left. Never fails."""
        self._stopping = True
        self._supervisor.stopping(self.drain_timeout + ENDING)
        self.gateway.refuse()
        self._starting.cancel()
        if self._reload is not None:
            self._reload.stop()
        self._on_signals(self._hurry, signal.SIGTERM, signal.SIGINT)
        return Deferred.fromCoroutine(self._stop())

    def heed_once(self) -> None:
        """Pass on the first of several signals to end that come at once; Twisted fails at the second.

        To be called when the reactor runs, which is when it has taken the signals.
        """
        for each in (signal.SIGTERM, signal.SIGINT):
            heed = signal.getsignal(each)
            if callable(heed):
                signal.signal(each, partial(self._heed, heed))

    # while it runs

    def hangup(self) -> None:
        """Have the sinks open their files anew, and take up what was changed in the configuration."""
        self._supervisor.reloading()
        self.gateway.reopen()
        reloading: Deferred[str] = succeed("")
        if self._reload is not None and self._ready and not self._stopping:
            reloading = self._reload.run().addCallbacks(lambda _: "", self._not_reloaded)
        reloading.addCallback(self._supervisor.reloaded)

    def parts(self) -> dict[str, object]:
        """What plug-ins made, by what people call it."""
        kinds: dict[str, Mapping[str, object]] = {
            "input": self.inputs,
            "app": self.gateway.upstreams(),
            "sink": self.sinks,
        }
        return {f"{kind} {name}": part for kind, parts in kinds.items() for name, part in parts.items()}

    def close_input(self, name: str, door: IInput) -> None:
        """Close a door in the background."""
        self.later(f"input {name}", maybeDeferred(door.stop))

    def later(self, what: str, closing: Deferred[None]) -> None:
        """Let something that is needed no more close in the background; a stop waits for it."""
        self._closing.add(closing)
        closing.addErrback(self._failed, what).addCallback(lambda _: self._closing.discard(closing))

    async def _start(self) -> None:
        self._supervisor.start()
        if hasattr(signal, "SIGHUP"):  # from the first moment on: by default it ends the process
            self._on_signals(self.hangup, signal.SIGHUP)
        for name, sink, buffer in self._sinks:
            self.gateway.add_sink(name, sink, buffer)
        await self.gateway.start()
        for name, door in self.inputs.items():
            with error_boundary(f"inputs.{name}: its start"):
                await maybeDeferred(door.start)
        if self._reload is not None:
            self.gateway.on_reload = self._reload.run
            self._reload.start()
        self._ready = True
        self._supervisor.ready()
        self.log.info("pushgate is ready{where}{hint}", where=self._where(), hint=self._hint)

    def _where(self) -> str:
        """What people can look at or talk to, one a line."""
        told = {
            name: self._addresses(name, part)
            for name, part in self.parts().items()
            if IInput.providedBy(part) or IAddressed.providedBy(part)
        }
        lines = [(name, address) for name, addresses in told.items() for address in addresses]
        width = max((len(name) for name, _ in lines), default=0)
        return "".join(f"\n  {name:{width}}  {address}" for name, address in lines)

    def _addresses(self, name: str, part: Any) -> list[str]:
        try:
            return list(part.addresses())
        except Exception:  # noqa: BLE001 - a stranger's code, and no reason not to be ready
            self.log.failure("{name}: its addresses", name=name)
            return []

    async def _stop(self) -> None:
        before = self.gateway.settled()
        self._draining = self.gateway.drain()
        deadline = self._reactor.seconds() + self.drain_timeout
        await self._bounded("sending what waits", self._draining, deadline)
        left, settled = self.gateway.left(), self.gateway.settled() - before
        deadline = self._reactor.seconds() + (HURRY if self._hurried else FLUSH_TIMEOUT)
        await self._bounded("the sinks", Deferred.fromCoroutine(self.gateway.close()), deadline)
        # The doors last: through them callers watch what becomes of the rest. They have long refused more.
        doors = [maybeDeferred(door.stop) for door in self.inputs.values()]
        for name, closing in zip(self.inputs, doors, strict=True):
            await self._bounded(f"input {name}", closing, deadline)
        replaced = DeferredList(list(self._closing)).addCallback(lambda _: None)
        await self._bounded("what a reload closed", replaced, deadline)
        self.log.info(
            "pushgate has stopped; {left} notifications have no outcome{where}; "
            "{settled} were settled while it drained",
            left=left,
            settled=settled,
            where=f" and {'stay in the spool' if self.gateway.durable else 'are lost'}" if left else "",
        )
        if self.watchdog is not None:
            self.watchdog.stop()
        self._supervisor.stop()

    def _hurry(self) -> None:
        """A second signal: wait for nothing any more. What is in flight is cut off, the spool is closed."""
        if not self._hurried:
            self._hurried = True
            self.log.warn("a second signal: stopping at once")
            self._draining.cancel()
            if self._patience is not None and self._patience.active():
                rest: float = self._patience.getTime() - self._reactor.seconds()
                self._patience.reset(min(HURRY, rest))

    def _heed(
        self, heed: Callable[[int, FrameType | None], object], number: int, frame: FrameType | None
    ) -> None:
        if not self._asked:
            self._asked = True
            heed(number, frame)

    def _on_signals(self, act: Callable[[], None], *signals: signal.Signals) -> None:
        for each in signals:
            signal.signal(each, lambda *_: self._reactor.callFromThread(act))

    def _not_reloaded(self, failure: Failure) -> str:
        if not failure.check(PushgateError, CancelledError):  # else it is said already
            self.log.failure("reloading", failure)
        return "not reloaded, nothing has changed: see the log"

    async def _bounded(self, what: str, ending: Deferred[None], deadline: float) -> None:
        """Wait for the end of something, until `deadline` only: then cut it short. A failure is logged."""
        ending.addErrback(self._failed, what)
        if await self._ended(ending, deadline - self._reactor.seconds()):
            return
        self.log.warn("stopping, {what}: took too long and was cut short", what=what)
        ending.cancel()
        if not await self._ended(ending, GRACE):
            self.log.error("stopping, {what}: does not end, is left behind", what=what)

    async def _ended(self, ending: Deferred[None], seconds: float) -> bool:
        """Wait for `ending`; False when it has not fired after `seconds`."""
        race: Deferred[bool] = Deferred()
        bell = self._reactor.callLater(max(0.0, seconds), race.callback, False)

        def won(_: object) -> None:
            if bell.active():
                bell.cancel()
                race.callback(True)

        ending.addCallback(won)
        self._patience = bell
        return await race

    def _failed(self, failure: Failure, what: str) -> None:
        if not failure.check(CancelledError):
            self.log.failure("stopping, {what}", failure, what=what)

    def _not_started(self, failure: Failure) -> Failure:
        if self.watchdog is not None:
            self.watchdog.stop()
        return failure

    def _give_up(self, failure: Failure) -> None:
        if failure.check(CannotStart):
            for fault in failure.value.faults:  # type: ignore[union-attr]  # it is a CannotStart
                self.log.critical("cannot start: {fault}", fault=fault)
                if sys.__stderr__ is not None:  # what `sys.stderr` is given goes to the log by now
                    sys.__stderr__.write(f"pushgate: cannot start: {fault}\n")
        else:
            self.log.failure("cannot start", failure)

    def _give_up_later(self, failures: list[Failure]) -> None:
        """A start that failed when the reactor was running already: end as a terminated process does."""
        if failures and not failures[0].check(CancelledError):
            self._give_up(failures[0])
            os.kill(os.getpid(), signal.SIGTERM)
