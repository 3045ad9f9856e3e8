"""A reactor whose time passes with its turns, and flies while a gateway waits to connect again."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from zope.interface import directlyProvides, implementer, providedBy

STEP: Final = 0.02
"""Seconds that pass in a turn: a machine that is slow makes nothing time out."""
PACE: Final = 0.001
"""Seconds of a turn on the machine's own clock, at least."""
LONGEST_LEAP: Final = 600.0


@implementer(IReactorTime)
class Hurry:
    """The reactor with a clock of its own; all but time is the reactor's.

    :param waiting: whether nothing happens but that time passes: then it passes in ever longer leaps.
    """

    def __init__(self, reactor: Any, waiting: Callable[[], bool]) -> None:
        directlyProvides(self, providedBy(reactor))
        self._reactor, self._waiting = reactor, waiting
        self._clock = Clock()
        self._leap = STEP
        self._turn: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def seconds(self) -> float:
        """Seconds of this clock."""
        seconds: float = self._clock.seconds()
        return seconds

    def callLater(
        self,
        delay: float,
        callable: Callable[..., Any],  # noqa: A002 - IReactorTime's
        *args: object,
        **kwargs: object,
    ) -> IDelayedCall:
        """As the reactor's, on this clock; what is wanted in the next turn comes in the next turn."""
        clock: IReactorTime = self._clock if delay else self._reactor
        return clock.callLater(delay, callable, *args, **kwargs)

    def getDelayedCalls(self) -> Any:
        """What waits on this clock."""
        return self._clock.getDelayedCalls()

    def start(self) -> None:
        """Let time pass."""
        self._turn = self._reactor.callLater(PACE, self._pass)

    def stop(self) -> None:
        """Let no more time pass."""
        self._turn.cancel()

    def _pass(self) -> None:
        self.start()
        self._leap = min(LONGEST_LEAP, 2 * self._leap) if self._waiting() else STEP
        self._clock.advance(self._leap)
