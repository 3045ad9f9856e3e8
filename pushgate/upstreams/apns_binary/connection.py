"""One connection to the binary gateway: a thin pump around the pure stream."""

from collections.abc import Callable
from math import inf
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall

from pushgate.model.history import Event, Step
from pushgate.net.tcp_loss import SendMeter, Unacknowledged, unacknowledged
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.apns_binary.connection import BEAT, Stream
from pushgate.protocols.apns_binary.connection_end import Ending
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.pooled_connection import RUN, PooledConnection

LOOK: Final = 0.05
"""Seconds between two looks at what has been acknowledged, while something has not. More than a turn of the
reactor, so that what was written before one look has left the TLS layer before the next."""
ASSUMED: Final = 60.0
"""Seconds after which bytes count as acknowledged that the socket took, where the system cannot tell."""

Ended = Callable[["StreamConnection", Ending, Cause | None], None]
"""Called once when a connection that was ready ended; the cause is None unless TLS gave one."""


class StreamConnection(PooledConnection):
    """Writes when there is work, room in the window and room in the transport.

    :param make_stream: makes the stream, given the monotonic time at which the connection is ready.
    :param wake: called when the connection can write more than it could.
    :param unacknowledged: asks the system about a socket.
    :ivar stream: its state, once it is ready.
    """

    stream: Stream

    def __init__(
        self,
        reactor: Any,
        make_stream: Callable[[float], Stream],
        wake: Callable[[], None],
        ended: Ended,
        unacknowledged: Unacknowledged = unacknowledged,
    ) -> None:
        super().__init__(reactor)
        self._make_stream, self._wake, self._ended = make_stream, wake, ended
        self._unacknowledged = unacknowledged
        self._first_beat: IDelayedCall | None = None
        self._look: IDelayedCall | None = None
        self._passed, self._arrived = 0, -inf

    # Twisted's side

    def connectionMade(self) -> None:
        super().connectionMade()
        self._meter = SendMeter(self._transport().transport, self._unacknowledged)

    def dataReceived(self, data: bytes) -> None:
        if self.ready_at is None:
            return
        ending = self.stream.received(data)
        if ending is not None:
            self.abort()
            self._ended(self, ending, None)

    def pauseProducing(self) -> None:
        if self.blocked_since is None:
            self._passed = self.stream.size  # it is the TLS layer that calls, passing it on
        super().pauseProducing()

    # the protocol of a pooled connection

    @property
    def usable(self) -> bool:
        return not self.closing and not self.stream.probed

    @property
    def in_flight(self) -> int:
        return self.stream.in_flight

    def begin(self) -> None:
        now = self._reactor.seconds()
        self.stream = self._make_stream(now)
        self._first_beat = self._reactor.callLater(BEAT, self._wake)

    def has_room(self) -> None:
        self._acknowledge()
        self._wake()

    def has_ended(self, cause: Cause | None) -> None:
        for timer in (self._first_beat, self._look):
            if timer is not None and timer.active():
                timer.cancel()
        ending = self.stream.lost(cause in failure_causes.REJECTIONS, self.vanished)
        if ending is not None:
            self._ended(self, ending, cause)

    # the side of its owner

    def write(self, work: IWork, wall: float, limit: int = RUN) -> int:
        """Write what there is to write, at most `limit` notifications; return how many it was.

        :param wall: Unix seconds.
        """
        now = self._reactor.seconds()
        room = 0 if self.closing or self.blocked_since is not None else min(limit, self.stream.room(now))
        spans = work.take(room, idle=self.stream.is_calm(now)) if room else []
        if not spans:
            return 0
        frames = self.stream.write(spans, None, Step(Event.WRITTEN, wall, self.number))
        self.busy_at = now
        self._transport().writeSequence(frames)
        self._look_soon()
        return len(frames)

    def probe(self) -> None:
        """Ask for proof of everything written, at the price of this connection; nothing may follow."""
        self._transport().write(self.stream.probe())

    def _look_soon(self) -> None:
        """Look again after `LOOK`, unless there is nothing to wait for."""
        if self.stream.is_acknowledged or self.closing:
            self.unacknowledged_since = None
        elif self._look is None:
            if self.unacknowledged_since is None:
                self.unacknowledged_since = self._reactor.seconds()
            if self.blocked_since is None:
                self._passed = self.stream.size
            self._look = self._reactor.callLater(LOOK, self._looked)

    def _looked(self) -> None:
        self._look = None
        if self.blocked_since is None:
            self._acknowledge()
        self._look_soon()

    def _acknowledge(self) -> None:
        """Ask what has been acknowledged of the bytes that have left the TLS layer.

        Encrypted, they are more than they were: what is still on its way is of at most so many bytes of ours.
        """
        now, pending = self._reactor.seconds(), self._meter.pending
        if pending is None:
            self.stream.acknowledged(self._passed - self._meter.buffered, now + ASSUMED)
            return
        arrived = self._passed - pending
        if arrived > self._arrived:
            self._arrived, self.unacknowledged_since = arrived, now
        self.stream.acknowledged(arrived, now)
