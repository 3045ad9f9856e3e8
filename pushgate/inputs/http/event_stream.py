"""One answer of server-sent events, written as fast as it is read."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from zope.interface import implementer

from pushgate.inputs.http.request import HTTPRequest

CONTENT_TYPE: Final = b"text/event-stream"
HEARTBEAT: Final = 15.0
"""Seconds between two comments, which show both ends that the other is alive, and keep proxies waiting."""


@implementer(IPushProducer)
class EventStream:
    """Writes events to one request.

    :param timeout: seconds within which the peer must read something.
    :param dropped: called when it has not.
    :ivar closed: the answer has ended, or the peer is gone.
    """

    def __init__(self, request: HTTPRequest, timeout: float, dropped: Callable[[], None], clock: Any) -> None:
        self._request, self._timeout, self._dropped, self._clock = request, timeout, dropped, clock
        self._pieces: Iterator[bytes] = iter(())
        self._taken: Deferred[None] | None = None
        self._paused = self.closed = False
        self._timer: IDelayedCall | None = None
        self._mark = b""

    def begin(self) -> None:
        """Begin the answer."""
        request = self._request
        request.begin(200, CONTENT_TYPE, (b"X-Accel-Buffering", b"no"))
        request.stream_from(self)
        request.send(b": outcomes\n\n")
        self._restart_heartbeat()

    def write(self, pieces: Iterator[bytes]) -> Deferred[None] | None:
        """Write whole events; fires when the peer has read enough for more to be given."""
        if self.closed:
            return None
        self._pieces = pieces
        self._fill()
        if not self._paused:
            return None
        self._taken = Deferred()
        return self._taken

    def mark(self, event_id: str) -> None:
        """Say with each heartbeat that all up to this id is written: a reader may go on behind it.

        By the standard a reader keeps an `id` without `data` as the last one, and reports no event.
        """
        first, self._mark = not self._mark, b"id: %b\n" % event_id.encode()
        if first:
            self._request.send(b"%b\n" % self._mark)

    def close(self) -> None:
        """End the answer; harmless when it is ended."""
        if self.closed:
            return
        self.lost()
        if not self._request.gone:
            self._request.end()

    def lost(self) -> None:
        """Stop: the peer is gone."""
        self.closed = True
        self._stop_waiting()
        self._finish()

    # IPushProducer, called by the request

    def pauseProducing(self) -> None:
        """Called by the request: the peer reads too slowly."""
        self._paused = True
        self._stop_waiting()
        self._timer = self._clock.callLater(self._timeout, self._give_up)

    def resumeProducing(self) -> None:
        """Called by the request: it has read."""
        if self.closed:
            return
        self._paused = False
        self._restart_heartbeat()
        self._fill()
        if not self._paused:
            self._finish()

    def stopProducing(self) -> None:
        """Called when the transport is lost; `ServerSentEvents` does the work."""

    def _fill(self) -> None:
        while not self._paused and (piece := next(self._pieces, None)) is not None:
            self._request.send(piece)

    def _finish(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.callback(None)

    def _restart_heartbeat(self) -> None:
        """Restart the timer of the next comment."""
        self._stop_waiting()
        self._timer = self._clock.callLater(HEARTBEAT, self._beat)

    def _beat(self) -> None:
        self._timer = None
        self._restart_heartbeat()
        self._request.send(b":\n%b\n" % self._mark)

    def _give_up(self) -> None:
        self._timer = None
        self._dropped()
        self._request.abort()

    def _stop_waiting(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
