"""High and low watermarks: when the senders to a queue should pause, and when they may go on."""

from collections.abc import Callable


class Watermarks:
    """High and low water of one queue, and the senders that wait for the low one.

    Between the two it depends on which was passed last, so that senders do not pause and resume all the time.

    :param limit: notifications that the queue holds at most.
    :ivar low: with so many left, nine tenths having been passed, the pressure is gone: four fifths.
    :ivar high: from so many on there is pressure: nine tenths.
    :ivar on: whether there is.
    """

    low: int
    high: int

    def __init__(self, limit: int) -> None:
        self.limit(limit)
        self.on = False
        self._waiting: dict[object, Callable[[], None]] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def limit(self, limit: int) -> None:
        """Go on with another limit; waiting senders are called with the next `relieve`."""
        self.low = limit * 4 // 5
        self.high = max(self.low + 1, limit * 9 // 10)

    def rises(self, depth: int) -> bool:
        """Note that the queue has grown to `depth`; return whether its feeders should pause."""
        self.on = self.on or depth >= self.high
        return self.on

    def refused(self, depth: int) -> None:
        """Note that something found no room, `depth` notifications being there."""
        self.on = self.on or depth > self.low

    def wait(self, relieved: Callable[[], None]) -> Callable[[], None]:
        """Have `relieved` called once there is room, unless what is returned is called before."""
        place = object()
        self._waiting[place] = relieved
        return lambda: self._forget(place)

    def relieve(self, depth: Callable[[], int]) -> None:
        """Let waiting senders go on, first come first served, as long as `depth` stays at low water.

        One at a time, because what the first of them brings at once may fill the queue again.
        """
        while self._waiting and depth() <= self.low:
            self._waiting.pop(next(iter(self._waiting)))()
        self.on = bool(self._waiting) or depth() > self.low

    def _forget(self, place: object) -> None:
        self._waiting.pop(place, None)
