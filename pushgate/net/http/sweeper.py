"""The timer of an HTTP server, which ends what is too slow."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

SWEEP: Final = 1.0
"""Seconds between two checks for connections that are too slow."""


class Sweeper:
    """Has every connection end what takes too long, each `SWEEP` seconds: a timer for each would cost more.

    :param connections: returns those there are.
    """

    def __init__(self, clock: IReactorTime, connections: Callable[[], Iterable[Any]]) -> None:
        self._clock, self._connections = clock, connections
        self._loop = LoopingCall(self._sweep)
        self._loop.clock = clock
        self._swept_at = 0.0

    def start(self) -> None:
        """Start; harmless when it runs."""
        if not self._loop.running:
            self._swept_at = self._clock.seconds()
            self._loop.start(SWEEP, now=False)

    def stop(self) -> None:
        """Stop; harmless when it does not run."""
        if self._loop.running:
            self._loop.stop()

    def _sweep(self) -> None:
        now = self._clock.seconds()
        interval, self._swept_at = now - self._swept_at, now
        for connection in list(self._connections()):
            connection.sweep(now, interval)
