"""Back-pressure from the gateway's queues, for every door whose callers keep a connection open."""

from collections.abc import Callable
from functools import partial
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pushgate.net.read_pause import ReadPause
from pushgate.plugin.interfaces import IGateway

FULL: Final = "a queue nearly full"
"""The reason for which a brake is held."""
LONGEST: Final = 5.0
"""Seconds for which a connection is not read at most, each time a queue fills up. Other apps, questions and a
peer's farewell may be in what it sends; and whoever finds no room after that is told so."""


class FullQueues:
    """Stops reading from one connection while a queue that it feeds is nearly full.

    Call `fed` for each submission that came from the connection, and `stop` when it ends.

    :param door: the input's name, for the metrics.
    :param count: `Metrics.count`.
    """

    def __init__(
        self, gateway: IGateway, brake: ReadPause, clock: IReactorTime, door: str, count: Callable[..., None]
    ) -> None:
        self._gateway, self._brake, self._clock = gateway, brake, clock
        self._door, self._count = door, count
        self._leave: dict[str, Callable[[], None]] = {}
        self._until: dict[str, IDelayedCall] = {}

    def fed(self, app: str) -> None:
        """Note a submission to `app`, which may be a name that nobody has."""
        if app in self._leave:
            return  # held, or held for long enough: it is the same fullness still
        leave = self._gateway.pressed(app, partial(self._relieved, app))
        if leave is not None:
            self._leave[app] = leave
            self._until[app] = self._clock.callLater(LONGEST, self._long_enough, app)
            self._count("pushgate_pauses_total", app, self._door)
            self._brake.hold(FULL)

    def stop(self) -> None:
        """Hold the connection no longer, whatever is full."""
        for leave in self._leave.values():
            leave()
        for until in self._until.values():
            until.cancel()
        self._leave.clear()
        self._until.clear()
        self._brake.release(FULL)

    def _relieved(self, app: str) -> None:
        del self._leave[app]
        until = self._until.pop(app, None)
        if until is not None:
            until.cancel()
            self._go_on()

    def _long_enough(self, app: str) -> None:
        del self._until[app]
        self._go_on()

    def _go_on(self) -> None:
        if not self._until:
            self._brake.release(FULL)
