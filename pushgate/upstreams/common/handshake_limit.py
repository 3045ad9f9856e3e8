"""How often a pool of connections may connect in vain."""

from collections import deque
from contextlib import suppress
from typing import Final

from pushgate.model.backoff import Jitter

PERIOD: Final = 60.0
"""Seconds in which handshakes are counted."""
SPREAD: Final = 0.2
"""Seconds, times chance, between two attempts to replace what was lost."""
MANY: Final = 64
"""Attempts that keep apart after a loss at most."""


class HandshakeLimit:
    """Bounds how often a pool of connections is renewed in vain.

    A connection that reported the outcome of a notification counts no more: that is what it was for. What is
    bounded are loops of connections that are of no use, which get a provider blocked.

    Connections that were lost together do not come back together: each successor keeps a random distance
    from the attempt before.

    :param per_minute: useless ones in any `PERIOD`; 0 sets no limit.
    """

    def __init__(self, per_minute: int, jitter: Jitter) -> None:
        self._per_minute, self._jitter = per_minute, jitter
        self._made: deque[float] = deque()
        self._lost = 0
        self._next = float("-inf")

    def made(self, now: float) -> None:
        """Count an attempt at `now`, monotonic seconds."""
        if self._per_minute:
            self._made.append(now)
        if self._lost:
            self._lost -= 1
            self._next = now + SPREAD * self._jitter()

    def used(self, made: float) -> None:
        """Note that the connection attempted at `made` proved of use; harmless when that is long ago."""
        with suppress(ValueError):
            self._made.remove(made)

    def lost(self, count: int = 1) -> None:
        """Note that connections were lost, or could not be had, for no reason of ours."""
        self._lost = min(MANY, self._lost + count)

    def wait(self, now: float) -> float:
        """Seconds until an attempt may be made; 0 when it may be now."""
        while self._made and self._made[0] <= now - PERIOD:
            self._made.popleft()
        full = bool(self._per_minute) and len(self._made) >= self._per_minute
        return max(0.0, self._next - now, self._made[-self._per_minute] + PERIOD - now if full else 0.0)
