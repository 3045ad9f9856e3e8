"""A delayed call of which a process that stood still has not used up the time."""

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

PARTS: Final = 4
"""Parts in which the time passes, one after the other."""


class PartedCall:
    """Calls something after a time that passes in parts.

    For the time that a peer has: a process that stood still, for however long, finds one part over, and reads
    what the peer has done meanwhile before the next one is.

    :param seconds: until the call.
    """

    def __init__(self, clock: IReactorTime, seconds: float, call: Callable[[], object]) -> None:
        self._clock, self._part, self._call = clock, seconds / PARTS, call
        self._left = PARTS
        self._delayed: IDelayedCall
        self._wait()

    def cancel(self) -> None:
        """Call nothing; harmless when it was called."""
        if self._delayed.active():
            self._delayed.cancel()

    def _wait(self) -> None:
        self._delayed = self._clock.callLater(self._part, self._passed)

    def _passed(self) -> None:
        self._left -= 1
        if self._left:
            self._wait()
        else:
            self._call()
