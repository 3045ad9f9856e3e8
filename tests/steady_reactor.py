"""The real network with a time that stands still while this process does: for tests whose timers are short."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from zope.interface import directlyProvides, providedBy

STEP = 0.005
"""Seconds between two looks at the time."""
LONGEST = 0.02
"""Seconds that pass between two looks at most, however long it really was."""


class SteadyReactor:
    """The reactor, but for its time: of that little passes between two of its turns, and none while nothing waits.

    On a busy machine this process may stand still for seconds. Then a timer would be due before what has
    arrived meanwhile is read, as if the other side had been silent, whereas it stood still as well. Here both
    sides have many turns before a timer of a tenth of a second is due.
    """

    def __init__(self) -> None:
        self._clock = Clock()
        self._turn: Any = None
        self._looked = 0.0
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def seconds(self) -> float:
        """The time, which begins at 0."""
        return self._clock.seconds()

    def callLater(self, delay: float, call: Any, *args: Any, **keywords: Any) -> Any:
        """As the reactor's, in this time; what is wanted in the next turn comes in the next turn."""
        if not delay:
            return reactor.callLater(delay, call, *args, **keywords)
        delayed: Any = self._clock.callLater(delay, call, *args, **keywords)
        delayed.canceller = self._cancelled
        self._go_on()
        return delayed

    def getDelayedCalls(self) -> Any:
        """Those of this time."""
        return self._clock.getDelayedCalls()

    def _cancelled(self, delayed: Any) -> None:
        self._clock.calls.remove(delayed)
        if self._turn is not None and not self._clock.calls:
            self._turn.cancel()  # trial finds nothing that waits
            self._turn = None

    def _go_on(self) -> None:
        if self._turn is None:
            self._looked = reactor.seconds()
            self._turn = reactor.callLater(STEP, self._pass)

    def _pass(self) -> None:
        self._turn = None
        self._clock.advance(min(reactor.seconds() - self._looked, LONGEST))
        if self._clock.calls:
            self._go_on()
