"""Back-pressure from the gateway's queues, for inputs whose callers keep a connection open."""

from collections.abc import Callable
from functools import partial
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pushgate.net.read_pause import ReadPause
from pushgate.plugin.gateway_interface import IGateway

FULL: Final = "a queue nearly full"
"""The reason for a read pause."""
LONGEST: Final = 5.0
"""Seconds for which a connection is not read at most, each time a queue fills up: it may serve other apps,
ask questions, or have closed. After that, submissions that find no room are refused."""


class FullQueues:
    """Stops reading from one connection while a queue that it feeds is nearly full.

    Call `fed` for each submission that came from the connection, and `stop` when it ends.

    :param name: the input's name, for the metrics.
    :param count: `Metrics.count`.
    """

    def __init__(
        self,
        gateway: IGateway,
        read_pause: ReadPause,
        clock: IReactorTime,
        name: str,
        count: Callable[..., None],
    ) -> None:
        self._gateway, self._read_pause, self._clock = gateway, read_pause, clock
        self._name, self._count = name, count
        self._cancels: dict[str, Callable[[], None]] = {}
        self._timers: dict[str, IDelayedCall] = {}

    def fed(self, app: str) -> None:
        """Note a submission to `app`, which need not be configured."""
        if app in self._cancels:
            return  # paused, or paused long enough: the queue is still full
        cancel = self._gateway.pressed(app, partial(self._relieved, app))
        if cancel is not None:
            self._cancels[app] = cancel
            self._timers[app] = self._clock.callLater(LONGEST, self._long_enough, app)
            self._count("pushgate_pauses_total", app, self._name)
            self._read_pause.hold(FULL)

    def stop(self) -> None:
        """End the pause, whatever is full."""
        for cancel in self._cancels.values():
            cancel()
        for timer in self._timers.values():
            timer.cancel()
        self._cancels.clear()
        self._timers.clear()
        self._read_pause.release(FULL)

    def _relieved(self, app: str) -> None:
        del self._cancels[app]
        timer = self._timers.pop(app, None)
        if timer is not None:
            timer.cancel()
            self._go_on()

    def _long_enough(self, app: str) -> None:
        del self._timers[app]
        self._go_on()

    def _go_on(self) -> None:
        if not self._timers:
            self._read_pause.release(FULL)
