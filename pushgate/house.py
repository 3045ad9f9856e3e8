"""The running whole: what starts in which order, and stops in the other."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.errors import CannotStart
from pushgate.gateway import Gateway
from pushgate.interfaces import IAddressed, IInput, IOutcomeSink

FLUSH_TIMEOUT: Final = 5.0
"""Seconds the sinks, the spool and then the doors have to close after the drain."""
GRACE: Final = 3.0
"""Seconds that whatever was cut short has to end; then it is not waited for any longer."""


class GivenUp(SystemExit, Exception):
    """Ends the process with a status and no traceback: why is said already.

    It is an Exception too, because twistd cleans up for those only: it removes its pid file, and tells the
    process that started a daemon, which would wait for ever otherwise.
    """


class House(Service):
    """Sinks first, then upstreams, then doors, so that a port that listens means ready.

    :param sinks: name, sink, and how many reports may wait for it.
    :param inputs: the doors, by name.
    :param drain_timeout: seconds the upstreams have to finish what is under way.
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
        self._sinks, self._drain_timeout, self._reactor = sinks, drain_timeout, reactor
        self._hint = hint
        self._starting: Deferred[None] = succeed(None)

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
        """Start everything; fails with `CannotStart`, or whatever a part raised."""
        self._starting = Deferred.fromCoroutine(self._start())
        return self._starting

    def stop(self) -> Deferred[None]:
        """Stop in the order of the house, bounded in time; says in one line what was left. Never fails."""
        self._starting.cancel()
        return Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        for name, sink, buffer in self._sinks:
            self.gateway.add_sink(name, sink, buffer)
        await self.gateway.start()
        for door in self.inputs.values():
            await door.start()
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.gateway.reopen))
        self.log.info("pushgate is ready{where}{hint}", where=self._where(), hint=self._hint)

    def _where(self) -> str:
        """What people can look at or talk to, one a line."""
        apps = {f"app {name}": upstream for name, upstream in self.gateway.upstreams().items()}
        sinks = {f"sink {name}": sink for name, sink, _ in self._sinks}
        told = {
            name: part.addresses() for name, part in (apps | sinks).items() if IAddressed.providedBy(part)
        }
        told = {f"input {name}": door.addresses() for name, door in self.inputs.items()} | told
        lines = [(name, address) for name, addresses in told.items() for address in addresses]
        width = max((len(name) for name, _ in lines), default=0)
        return "".join(f"\n  {name:{width}}  {address}" for name, address in lines)

    async def _stop(self) -> None:
        self.gateway.refuse()
        deadline = self._reactor.seconds() + self._drain_timeout
        await self._bounded("sending what waits", self.gateway.drain(), deadline)
        left = self.gateway.left()
        deadline = self._reactor.seconds() + FLUSH_TIMEOUT
        await self._bounded("the sinks", Deferred.fromCoroutine(self.gateway.close()), deadline)
        # The doors last: through them callers watch what becomes of the rest. They have long refused more.
        doors = [maybeDeferred(door.stop) for door in self.inputs.values()]
        for name, closing in zip(self.inputs, doors, strict=True):
            await self._bounded(f"input {name}", closing, deadline)
        self.log.info("pushgate has stopped; {left} notifications have no outcome", left=left)

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
        return await race

    def _failed(self, failure: Failure, what: str) -> None:
        if not failure.check(CancelledError):
            self.log.failure("stopping, {what}", failure, what=what)

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
