"""A connection to a push service, as its pool needs it: what does not depend on the protocol."""

from abc import ABC, abstractmethod
from typing import Any, Final

from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.net.finish_close import finish_close
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.read_before_reset import read_before_reset

RUN: Final = 256
"""Notifications written at once: more costs no less each, and would keep other connections waiting."""
CLOSE_TIMEOUT: Final = 5.0
"""Seconds for the other side to answer our close."""


@implementer(IHandshakeListener, IPushProducer)
class PooledConnection(protocol.Protocol, ABC):
    """A protocol of Twisted's over TLS that a pool opens, counts and closes.

    :param reactor: provides IReactorTime.
    :ivar secured: see `SecuredConnection`.
    :ivar number: of the connection in its pool, from 1.
    :ivar tried_at: monotonic seconds of the attempt to connect.
    :ivar ready_at: monotonic seconds since when the handshake is complete, None before.
    :ivar serving_since: monotonic seconds since when work may be written to it, None while it is a spare.
    :ivar busy_at: monotonic seconds of the last write.
    :ivar blocked_since: monotonic seconds since when the transport is full, None while it is not.
    :ivar unacknowledged_since: monotonic seconds since when the other side's TCP has acknowledged nothing of
        what it was sent; None while there is nothing to acknowledge, or where that is not looked at.
    :ivar closing: nothing is written any more.
    :ivar retired: we closed it in good order.
    :ivar vanished: it was given up because the other side is gone.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.secured: Deferred[Any] = Deferred()
        self.number = 0
        self.tried_at = 0.0
        self.ready_at: float | None = None
        self.serving_since: float | None = None
        self.busy_at = 0.0
        self.blocked_since: float | None = None
        self.unacknowledged_since: float | None = None
        self.closing = self.retired = self.vanished = False
        self._closing_call: IDelayedCall | None = None

    # what depends on the protocol

    @property
    @abstractmethod
    def usable(self) -> bool:
        """Whether it can be written to, now or when it has room."""

    @property
    @abstractmethod
    def in_flight(self) -> int:
        """Notifications written and not settled."""

    @abstractmethod
    def begin(self) -> None:
        """Make the state of the protocol: the handshake is complete."""

    @abstractmethod
    def has_room(self) -> None:
        """The transport takes more again."""

    @abstractmethod
    def has_ended(self, cause: Cause | None) -> None:
        """Settle what was in flight: a connection that was ready is gone.

        :param cause: as TLS gave it, if it did.
        """

    def say_goodbye(self) -> None:
        """Write what the protocol says at its end, if it does."""

    # Twisted's side

    def connectionMade(self) -> None:
        tls = self._transport()
        tls.setTcpNoDelay(True)
        read_before_reset(tls.transport)

    def handshakeCompleted(self) -> None:
        self.ready_at = self.busy_at = self._reactor.seconds()
        self.begin()
        self._transport().registerProducer(self, True)
        if not self.secured.called:
            self.secured.callback(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._closing_call is not None and self._closing_call.active():
            self._closing_call.cancel()
        self.closing = True
        if self.ready_at is not None:
            self.has_ended(failure_causes.of_loss(reason))
        elif not self.secured.called:
            self.secured.errback(reason)

    def pauseProducing(self) -> None:
        if self.blocked_since is None:
            self.blocked_since = self._reactor.seconds()

    def resumeProducing(self) -> None:
        if finish_close(self.transport):
            return
        self.blocked_since = None
        self.has_room()

    def stopProducing(self) -> None:
        """The transport is going away; connectionLost follows."""

    # the side of the pool

    def vanish(self) -> None:
        """Close at once because the other side is gone, which is no fault of anything that was written."""
        self.vanished = True
        self.abort()

    def close(self) -> None:
        """Close in good order, or at once when the other side does not answer."""
        if not self.closing:
            self.retired = True
            self.say_goodbye()
            self._release()
            self._transport().loseConnection()
            self._closing_call = self._reactor.callLater(CLOSE_TIMEOUT, self._transport().abortConnection)

    def abort(self) -> None:
        """Close at once."""
        tls = self._transport()
        if tls is not None and tls.connected:
            self._release()
            tls.abortConnection()

    def _release(self) -> None:
        """Write no more; over TLS, a producer that is still registered holds a close back."""
        if not self.closing and self.ready_at is not None:
            self._transport().unregisterProducer()
        self.closing = True

    def _transport(self) -> Any:
        return self.transport
