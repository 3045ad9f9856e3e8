"""Failed logins at one input: how many each address had, and which of them have a line in the log."""

from typing import Final, NamedTuple

MEMORY: Final = 900.0
"""Seconds without a failure after which an address starts anew."""
MAX_ADDRESSES: Final = 10_000
"""Addresses whose failures are remembered."""
LINES: Final = 10
"""Failures of one interval that have a line each; the others are summed up in one."""
INTERVAL: Final = 60.0
"""Seconds between two sums."""


class FailureCounts:
    """Counts the failures of each address, of so many addresses at most."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}

    def note(self, address: str, now: float) -> int:
        """Count a failure; return how many the address had without a pause of `MEMORY` seconds between two.

        :param now: monotonic seconds.
        """
        times, last = self._failures.pop(address, (0, now))
        times = 1 if now - last > MEMORY else times + 1
        if len(self._failures) >= MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]  # the one that failed longest ago
        self._failures[address] = (times, now)
        return times


class FailureSum(NamedTuple):
    """The failures of an interval that had no line of their own.

    :ivar failures: how many they are.
    :ivar addresses: from how many addresses they came; those beyond `MAX_ADDRESSES` are not counted.
    :ivar most: the address that had most of them.
    :ivar share: how many those are.
    """

    failures: int
    addresses: int
    most: str
    share: int


class FailureLog:
    """Decides which failures of an interval have a line, and sums up the others."""

    def __init__(self) -> None:
        self._lines = self._others = 0
        self._by_address: dict[str, int] = {}

    def has_line(self, address: str) -> bool:
        """Return True if this failure has a line of its own; else it is in the sum."""
        self._lines += 1
        if self._lines <= LINES:
            return True
        self._others += 1
        if address in self._by_address or len(self._by_address) < MAX_ADDRESSES:
            self._by_address[address] = self._by_address.get(address, 0) + 1
        return False

    def take(self) -> FailureSum | None:
        """End the interval; return the sum of what had no line, None when all had one."""
        by_address, count = self._by_address, self._others
        self._by_address, self._lines, self._others = {}, 0, 0
        if not count:
            return None
        most = max(by_address, key=by_address.__getitem__)
        return FailureSum(count, len(by_address), most, by_address[most])
