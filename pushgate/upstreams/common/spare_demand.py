"""How many connections should wait to take the place of one that ends."""

from math import exp
from typing import Final

LEAD: Final = 0.4
"""Seconds from an attempt to connect until a connection may be written to freely (the handshake, and on the
binary stream a quiet beat after it), several times over: a rate that a lack of them held back can rise."""
MEMORY: Final = 0.5
"""Seconds in which an end is forgotten, about."""
MOST: Final = 32
"""Connections that wait at most, however many end."""


class SpareDemand:
    """So many as end within `LEAD` at the rate at which they ended last.

    A dead token ends the connection it was sent on. With one in a hundred dead, a hundred connections may end
    in a second: if each successor had to connect first, the app would mostly wait for handshakes.

    :param least: connections that wait when none ends; 0 for none at all.
    """

    def __init__(self, least: int) -> None:
        self._least = least
        self._level, self._at = 0.0, 0.0

    def ended(self, now: float) -> None:
        """Note at `now`, monotonic seconds, that a connection in use ended."""
        self._level = self._left(now) + 1.0 / MEMORY
        self._at = now

    def wanted(self, now: float) -> int:
        """How many should wait at `now`."""
        if not self._least:
            return 0
        return max(self._least, min(MOST, int(self._left(now) * LEAD)))

    def _left(self, now: float) -> float:
        """Ends a second, about."""
        return self._level * exp((self._at - now) / MEMORY)
