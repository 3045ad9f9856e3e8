"""How long the rest of a request may take, for doors whose connections may be silent between requests."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class RequestDeadline:
    """Watches one connection. Bytes that complete no request do not prolong its time, so that a byte a second
    keeps no place for ever.

    There is one timer at most, however many requests come: when it rings it looks how long the one that is
    incomplete now has taken.

    :param seconds: from the first byte of a request to its last.
    :param over: called when they are over; the request may go on, and have as much time again.
    """

    __slots__ = ("_bell", "_clock", "_over", "_seconds", "_since")

    def __init__(self, clock: IReactorTime, seconds: float, over: Callable[[], None]) -> None:
        self._clock, self._seconds, self._over = clock, seconds, over
        self._since: float | None = None
        self._bell: IDelayedCall | None = None

    def read(self, progress: bool, partial: bool) -> None:
        """What had come was read.

        :param progress: a request was complete.
        :param partial: a part of another one was left.
        """
        if not partial:
            self._since = None
        elif progress or self._since is None:
            self._since = self._clock.seconds()
            if self._bell is None:
                self._ring_in(self._seconds)

    def restart(self) -> None:
        """The peer could not go on until now, because it was not read."""
        if self._since is not None:
            self._since = self._clock.seconds()

    def stop(self) -> None:
        """The connection ends."""
        self._since = None
        if self._bell is not None:
            self._bell.cancel()
            self._bell = None

    def _ring_in(self, seconds: float) -> None:
        self._bell = self._clock.callLater(seconds, self._ring)

    def _ring(self) -> None:
        self._bell = None
        if self._since is None:
            return
        left = self._since + self._seconds - self._clock.seconds()
        if left > 0:
            self._ring_in(left)
        else:
            self._since = None
            self._over()
