"""One connection to the binary gateway: a thin pump around the pure stream."""

from collections.abc import Callable
from math import inf
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.history import Event, Step
from pushgate.net.tcp_loss import SendMeter, Unacknowledged, unacknowledged
from pushgate.plugin.interfaces import IWork
from pushgate.protocols.apns_binary.connection import BEAT, Stream
from pushgate.protocols.apns_binary.connection_end import Ending
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.finish_close import finish_close
from pushgate.upstreams.common.read_before_reset import read_before_reset

RUN: Final = 256
"""Notifications written at once: more costs no less each, and would keep other connections waiting."""
LOOK: Final = 0.05
"""Seconds between two looks at what has been acknowledged, while something has not. More than a turn of the
reactor, so that what was written before one look has left the TLS layer before the next."""
ASSUMED: Final = 60.0
"""Seconds after which bytes count as acknowledged that the socket took, where the system cannot tell."""
CLOSE_TIMEOUT: Final = 5.0
"""Seconds for the other side to answer our close."""

Ended = Callable[["StreamConnection", Ending, Cause | None], None]
"""Called once when a connection that was ready ended; the cause is None unless TLS gave one."""


@implementer(IHandshakeListener, IPushProducer)
class StreamConnection(Protocol):
    """Writes when there is work, room in the window and room in the transport.

    :param reactor: provides IReactorTime.
    :param make_stream: makes the stream, given the monotonic time at which the connection is ready.
    :param wake: called when the connection can write more than it could.
    :param unacknowledged: asks the system about a socket.
    Attributes are described at `PooledConnection`, besides:

    :ivar closing: nothing is written any more.
    :ivar retired: we closed it in good order, for want of work.
    :ivar vanished: it was given up because the other side's TCP acknowledged nothing.
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
        self._reactor, self._make_stream, self._wake, self._ended = reactor, make_stream, wake, ended
        self._unacknowledged = unacknowledged
        self.secured: Deferred[Any] = Deferred()
        self.ready_at: float | None = None
        self.busy_at = 0.0
        self.blocked_since: float | None = None
        self.unacknowledged_since: float | None = None
        self.serving_since: float | None = None
        self.closing = self.retired = self.vanished = False
        self.number = 0
        self._timers: list[IDelayedCall] = []
        self._look: IDelayedCall | None = None
        self._passed, self._arrived = 0, -inf

    # Twisted's side

    def connectionMade(self) -> None:
        tls = self._transport()
        tls.setTcpNoDelay(True)
        read_before_reset(tls.transport)
        self._meter = SendMeter(tls.transport, self._unacknowledged)

    def handshakeCompleted(self) -> None:
        self.ready_at = self.busy_at = self._reactor.seconds()
        self.stream = self._make_stream(self.ready_at)
        self._transport().registerProducer(self, True)
        if not self.secured.called:
            self._timers.append(self._reactor.callLater(BEAT, self._wake))
            self.secured.callback(self)

    def dataReceived(self, data: bytes) -> None:
        if self.ready_at is None:
            return
        ending = self.stream.received(data)
        if ending is not None:
            self.abort()
            self._ended(self, ending, None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.ready_at is None:
            if not self.secured.called:
                self.secured.errback(reason)
            return
        self.closing = True
        for timer in [*self._timers, *([self._look] if self._look else [])]:
            if timer.active():
                timer.cancel()
        cause = failure_causes.of_loss(reason)
        ending = self.stream.lost(cause in failure_causes.REJECTIONS, self.vanished)
        if ending is not None:
            self._ended(self, ending, cause)

    def pauseProducing(self) -> None:
        if self.blocked_since is None:
            self.blocked_since = self._reactor.seconds()
            self._passed = self.stream.size  # it is the TLS layer that calls, passing it on

    def resumeProducing(self) -> None:
        if finish_close(self._transport().transport):
            return
        self.blocked_since = None
        self._acknowledge()
        self._wake()

    def stopProducing(self) -> None:
        """The transport is going away; connectionLost follows."""

    # the side of the pool and its owner

    @property
    def usable(self) -> bool:
        """Whether it can be written to, now or when it has room."""
        return not self.closing and not self.stream.probed

    @property
    def in_flight(self) -> int:
        """Notifications written and not settled."""
        return self.stream.in_flight

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

    def vanish(self) -> None:
        """Close at once a connection whose other side is gone: no notification is to blame."""
        self.vanished = True
        self.abort()

    def close(self) -> None:
        """Close in good order, or at once when the other side does not answer."""
        if not self.closing:
            self.retired = True
            self._release()
            self._transport().loseConnection()
            self._timers.append(self._reactor.callLater(CLOSE_TIMEOUT, self._transport().abortConnection))

    def abort(self) -> None:
        """Close at once."""
        tls = self._transport()
        if tls is not None and tls.connected:
            self._release()
            tls.abortConnection()

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

    def _release(self) -> None:
        """Write no more; over TLS, a producer that is still registered holds a close back."""
        if not self.closing and self.ready_at is not None:
            self._transport().unregisterProducer()
        self.closing = True

    def _transport(self) -> Any:
        return self.transport
