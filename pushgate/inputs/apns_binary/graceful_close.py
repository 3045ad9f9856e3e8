"""Closing a client's connection so that the last response reaches it."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport

LINGER: Final = 5.0
"""Seconds that a client has to take the last response and close."""
GRACE: Final = 1.0
"""Seconds after which a client that still writes is assumed to read only when a write fails."""
BRIEF_LINGER: Final = 0.1
"""Seconds that a client has to close when there is no response."""
PARTS: Final = 4
"""Each of these times passes in so many parts, one after the other. A process that stood still, for however
long, finds one part over, and reads what came meanwhile before the next one is."""


class GracefulClose:
    """Writes the last response and closes, while what the client still writes is read and dropped.

    A connection closed with unread data is reset, and a reset may destroy the response on its way. So our
    side is closed first, and the client closes the other. But a client that never reads must not write into
    the void for long: it keeps only a limited part of what it wrote to send it again.

    :ivar begun: true once closing has begun.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport, self._clock = transport, clock
        self._timers: list[IDelayedCall] = []
        self._is_grace_over = False
        self.begun = False

    def begin(self, response: bytes, linger: float | None = None) -> None:
        """Close; called once.

        :param linger: seconds that the client has to close its side.
        """
        if response:
            self._transport.write(response)
        self.begun = True
        if ISSLTransport.providedBy(self._transport):
            self._transport.loseConnection()  # which waits for the client's close_notify
        else:
            self._transport.loseWriteConnection()
        self._after(GRACE, self._end_grace)
        self._after(linger or (LINGER if response else BRIEF_LINGER), self._abort)

    def still_written(self) -> None:
        """Note that the client wrote something."""
        if self._is_grace_over:
            self.cancel()
            self._transport.abortConnection()

    def cancel(self) -> None:
        """Stop the timers: the connection is gone."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self._pass(seconds / PARTS, PARTS, call)

    def _pass(self, part: float, left: int, call: Callable[[], None]) -> None:
        if not left:
            call()
            return

        def passed() -> None:
            self._timers.remove(timer)
            self._pass(part, left - 1, call)

        timer = self._clock.callLater(part, passed)
        self._timers.append(timer)

    def _end_grace(self) -> None:
        self._is_grace_over = True

    def _abort(self) -> None:
        self.cancel()
        self._transport.abortConnection()
