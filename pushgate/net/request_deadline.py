"""A limit on the time of one request, for inputs whose connections may be silent between requests."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class RequestDeadline:
    """Watches one connection. Bytes that complete no request do not extend its time, so that a byte a second
    does not keep a connection open for ever.

    There is one timer at most, however many requests come: when it fires, the age of the request that is
    incomplete then is checked.

    :param seconds: from the first byte of a request to its last.
    :param over: called when they have passed; the request may go on, and has the same time again.
    """

    __slots__ = ("_clock", "_over", "_seconds", "_since", "_timer")

    def __init__(self, clock: IReactorTime, seconds: float, over: Callable[[], None]) -> None:
        self._clock, self._seconds, self._over = clock, seconds, over
        self._since: float | None = None
        self._timer: IDelayedCall | None = None

    def read(self, progress: bool, partial: bool) -> None:
        """Note that received bytes were read.

        :param progress: a request was complete.
        :param partial: a part of another one was left.
        """
        if not partial:
            self._since = None
        elif progress or self._since is None:
            self._since = self._clock.seconds()
            if self._timer is None:
                self._start_timer(self._seconds)

    def restart(self) -> None:
        """Restart the time of the current request: the peer was not read until now."""
        if self._since is not None:
            self._since = self._clock.seconds()

    def stop(self) -> None:
        """Stop the timer: the connection ends."""
        self._since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_timer(self, seconds: float) -> None:
        self._timer = self._clock.callLater(seconds, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left = self._since + self._seconds - self._clock.seconds()
        if left > 0:
            self._start_timer(left)
        else:
            self._since = None
            self._over()
