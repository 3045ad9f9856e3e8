"""The end of a client's connection, so that the last word reaches it."""

from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport

LINGER: Final = 5.0
"""Seconds that a client has to take the last word and close."""
GRACE: Final = 1.0
"""Seconds after which a client that still writes is taken to be one that reads only when a write fails."""
BEAT: Final = 0.1
"""Seconds for a farewell without a last word."""


class GracefulClose:
    """Says the last word and closes, while what the client still writes is read and thrown away.

    A connection closed with unread data is reset, and a reset may destroy the last word on its way. So our
    side is closed first, and the other one is left to the client. But a client that never reads must not
    write into the void for long: it keeps only so much of what it wrote to send it again.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport, self._clock = transport, clock
        self._timer: IDelayedCall | None = None
        self._patience = float("inf")

    @property
    def begun(self) -> bool:
        """Whether nothing more is to be said."""
        return self._patience < float("inf")

    def begin(self, last_word: bytes, linger: float | None = None) -> None:
        """Close; called once.

        :param linger: seconds that the client has to close its side.
        """
        if last_word:
            self._transport.write(last_word)
        self._patience = self._clock.seconds() + GRACE
        if ISSLTransport.providedBy(self._transport):
            self._transport.loseConnection()  # which waits for the client's farewell
        else:
            self._transport.loseWriteConnection()
        self._timer = self._clock.callLater(linger or (LINGER if last_word else BEAT), self._abort)

    def still_written(self) -> None:
        """The client wrote something."""
        if self._clock.seconds() > self._patience:
            self.cancel()
            self._transport.abortConnection()

    def cancel(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _abort(self) -> None:
        self._timer = None
        self._transport.abortConnection()
