"""Back-pressure on a sender's connection, for inputs that have several reasons to apply it."""

from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer


class ReadPause:
    """Stops reading from a connection while there is at least one reason to.

    :param transport: the one that is paused and resumed.
    :param released: called before reading goes on, to process what was read before.
    """

    def __init__(self, transport: IPushProducer, released: Callable[[], None]) -> None:
        self._transport, self._released = transport, released
        self._reasons: set[str] = set()
        self._paused = False

    @property
    def held(self) -> bool:
        """True while there is a reason."""
        return bool(self._reasons)

    def holds(self, reason: str) -> bool:
        """Return True if this is one of the reasons."""
        return reason in self._reasons

    def hold(self, reason: str) -> None:
        """Stop reading; harmless when `reason` holds already."""
        self._reasons.add(reason)
        if not self._paused:
            self._paused = True
            self._transport.pauseProducing()

    def release(self, reason: str) -> None:
        """Go on reading unless there are other reasons; harmless when `reason` does not hold."""
        if reason not in self._reasons:
            return
        self._reasons.discard(reason)
        if not self._reasons:
            self._released()
        if self._paused and not self._reasons:
            self._paused = False
            self._transport.resumeProducing()
