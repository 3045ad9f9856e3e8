"""How many notifications a connection is written at once."""

from typing import Final

from pushgate.upstreams.common.pooled_connection import RUN

LEAST: Final = 64
"""Notifications at once at least. With one in a hundred refused (`bench.dead_tokens`) runs of 16 took 9.2 ms
of CPU for each of them, 32 8.2, 64 7.5, 100 7.8, 160 8.7, 256 9.5: what is cut small costs more than what is
written twice."""
LONG: Final = 4 * RUN
"""A distance between two errors from which on no run is cut short."""
WEIGHT: Final = 1 / 8
"""What the newest distance counts in the mean."""
RECOVERY: Final = 8
"""Distances written without an error until errors count as rarer than they were."""


class RunAhead:
    """Half of the distance between two errors as it was lately, between `LEAST` and `RUN`.

    The service discards what comes after an error, so all of it is encoded and written twice. The more often
    errors come, the less is written before there was time for one to arrive.
    """

    def __init__(self) -> None:
        self._distance = float(LONG)
        self._since = 0

    @property
    def size(self) -> int:
        """Notifications to write at once."""
        return max(LEAST, min(RUN, int(self._distance / 2)))

    def refused(self, before: int) -> None:
        """Note that a connection ended with an error after so many notifications."""
        self._distance += (min(before, LONG) - self._distance) * WEIGHT
        self._since = 0

    def written(self, count: int) -> None:
        """Note that so many were written; errors that do not come have become rarer."""
        self._since += count
        if self._since > RECOVERY * self._distance:
            self._distance = min(2 * self._distance + 1, LONG)
            self._since = 0
