"""A limit on notifications per second."""

from typing import Final

BURST: Final = 0.1
"""Seconds' worth of allowance that an idle app may save up."""
ROUNDING: Final = 0.001
"""Notifications that may be borrowed: tolerance for the rounding of clocks."""


class TokenBucket:
    """A token bucket, counted in notifications.

    :param rate: notifications per second; 0 sets no limit.
    :param now: monotonic seconds, as in all methods.
    :param burst: seconds' worth of the rate that can be saved up; always enough for one notification.
    """

    def __init__(self, rate: float, now: float, burst: float = BURST) -> None:
        self.rate, self._burst, self._at = rate, burst, now
        self._allowance = self._most()

    def allows(self, wanted: int, now: float) -> int:
        """Return how many of `wanted` may go at `now`."""
        if not self.rate:
            return wanted
        self._earn(now)
        return min(wanted, int(self._allowance + ROUNDING))

    def wait_for(self, count: int, now: float) -> float:
        """Return the seconds until `count` may go at once; 0 when they may now.

        More than can be saved up go when all is saved, and what comes next waits the longer.
        """
        if not self.rate:
            return 0.0
        self._earn(now)
        missing = min(count, self._most()) - self._allowance
        return missing / self.rate if missing > ROUNDING else 0.0

    def change(self, rate: float, now: float) -> None:
        """Have another rate from `now` on; what was saved up stays, as far as the new rate lets one save."""
        if self.rate:
            self._earn(now)
        self.rate, self._at = rate, now
        self._allowance = min(self._most(), max(0.0, self._allowance))

    def spend(self, count: int) -> None:
        """Note that `count` notifications went."""
        if self.rate:
            self._allowance -= count

    def wait(self) -> float:
        """Return the seconds until one more may go, as of the last call of `allows`."""
        return max(0.0, 1.0 - self._allowance) / self.rate if self.rate else 0.0

    def _most(self) -> float:
        return max(1.0, self.rate * self._burst)

    def _earn(self, now: float) -> None:
        self._allowance = min(self._most(), self._allowance + max(0.0, now - self._at) * self.rate)
        self._at = now
