"""Trouble that may come again and again, and is not to fill the log."""

from typing import Final

LOG_INTERVAL: Final = 60.0
"""Seconds between two log lines about the same trouble of one plug-in."""


class LogThrottle:
    """Counts a trouble, and says when it is worth a line: at once, then at most once a `LOG_INTERVAL`.

    :ivar total: how often it happened.
    """

    def __init__(self) -> None:
        self._logged, self._silent_until = 0, float("-inf")
        self.total = 0

    def happened(self, now: float, times: int = 1) -> int:
        """Count it; return how often it happened since the last line when one is due, else 0.

        :param now: monotonic seconds.
        """
        self.total += times
        if now < self._silent_until:
            return 0
        self._silent_until = now + LOG_INTERVAL
        unlogged, self._logged = self.total - self._logged, self.total
        return unlogged
