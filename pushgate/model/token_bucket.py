"""A limit on notifications per second."""

from typing import Final

BURST: Final = 0.1
"""Seconds' worth of allowance that an idle app may save up."""
ROUNDING: Final = 0.001
"""Notifications that may be borrowed, so that a clock's rounding never wakes an app up for nothing."""


class TokenBucket:
    """A token bucket, counted in notifications.

    :param rate: notifications per second; 0 sets no limit.
    """

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._allowance = max(1.0, rate * BURST)
        self._at = now

    def allows(self, wanted: int, now: float) -> int:
        """How many of `wanted` may go at `now`, monotonic seconds."""
        if not self.rate:
            return wanted
        earned = max(0.0, now - self._at) * self.rate
        self._allowance = min(max(1.0, self.rate * BURST), self._allowance + earned)
        self._at = now
        return min(wanted, int(self._allowance + ROUNDING))

    def change(self, rate: float, now: float) -> None:
        """Have another rate from `now` on; what was saved up stays, as far as the new rate lets one save."""
        self.allows(0, now)
        self.rate, self._at = rate, now
        self._allowance = min(max(1.0, rate * BURST), max(0.0, self._allowance))

    def spend(self, count: int) -> None:
        """Note that `count` notifications went."""
        if self.rate:
            self._allowance -= count

    def wait(self) -> float:
        """Seconds until one more may go, as of the last call of `allows`."""
        return max(0.0, 1.0 - self._allowance) / self.rate if self.rate else 0.0
