"""Closing a client's connection so that the last response reaches it."""

from typing import Any, Final

from twisted.internet.interfaces import IReactorTime, ISSLTransport

from pushgate.net.parted_call import PartedCall

LINGER: Final = 5.0
"""Seconds that a client has to take the last response and close."""
GRACE: Final = 1.0
"""Seconds after which a client that still writes is assumed to read only when a write fails."""
BRIEF_LINGER: Final = 0.1
"""Seconds that a client has to close when there is no response."""


class GracefulClose:
    """Writes the last response and closes, while what the client still writes is read and dropped.

    A connection closed with unread data is reset, and a reset may destroy the response on its way. So our
    side is closed first, and the client closes the other. But a client that never reads must not write into
    the void for long: it keeps only a limited part of what it wrote to send it again.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport, self._clock = transport, clock
        self._timers: list[PartedCall] = []
        self._is_grace_over = False

    @property
    def begun(self) -> bool:
        """True once closing has begun."""
        return bool(self._timers)

    def begin(self, response: bytes, linger: float | None = None) -> None:
        """Close; called once.

        :param linger: seconds that the client has to close its side.
        """
        if response:
            self._transport.write(response)
        if ISSLTransport.providedBy(self._transport):
            self._transport.loseConnection()  # which waits for the client's close_notify
        else:
            self._transport.loseWriteConnection()
        within = linger or (LINGER if response else BRIEF_LINGER)
        self._timers = [
            PartedCall(self._clock, GRACE, self._end_grace),
            PartedCall(self._clock, within, self._abort),
        ]

    def still_written(self) -> None:
        """Note that the client wrote something."""
        if self._is_grace_over:
            self.cancel()
            self._transport.abortConnection()

    def cancel(self) -> None:
        """Stop the timers: the connection is gone."""
        for timer in self._timers:
            timer.cancel()

    def _end_grace(self) -> None:
        self._is_grace_over = True

    def _abort(self) -> None:
        self.cancel()
        self._transport.abortConnection()
