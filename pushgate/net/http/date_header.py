"""The header `Date` of an HTTP server's answers."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.web.http import datetimeToString


class DateHeader:
    """The time as headers have it, made once a second.

    :param wall: returns Unix seconds.
    """

    def __init__(self, clock: IReactorTime, wall: Callable[[], float]) -> None:
        self._clock, self._wall = clock, wall
        self._date, self._until = b"", 0.0

    def __call__(self) -> bytes:
        now = self._clock.seconds()
        if now >= self._until:
            self._date, self._until = datetimeToString(self._wall()), now + 1.0
        return self._date
