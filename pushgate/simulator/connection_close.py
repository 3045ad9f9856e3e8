"""How a connection over TLS is closed: gently as the real service does, or as a fault wants it."""

from collections.abc import Iterator
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport
from twisted.python.failure import Failure

from pushgate.simulator.fault_plan import FaultPlan
from pushgate.simulator.rule_conditions import EndAction

BEAT: Final = 0.01
"""Seconds for what was written to leave: between the pieces of an answer, and before a reset."""
LINGER: Final = 5.0
"""Seconds that a closed connection is still read before it is dropped."""


class HalfCloseableTLS(BufferingTLSTransport):
    """A TLS layer that survives the end of the writing half of the TCP connection under it.

    Once that is closed, the layer's own `loseConnection`, called out of `dataReceived`, loses the connection
    at once, in the middle of its work; here the loss waits until what was received is dealt with.
    """

    _receiving = False
    _loss: Failure | None = None

    def dataReceived(self, bytes: bytes) -> None:  # noqa: A002 - the base class's name
        self._receiving = True
        try:
            super().dataReceived(bytes)  # type: ignore[no-untyped-call] # Twisted's is untyped
        finally:
            self._receiving = False
        if self._loss is not None:
            super().connectionLost(self._loss)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._receiving:
            self._loss = reason
        else:
            super().connectionLost(reason)


class ConnectionClose:
    """The end of one connection, once it has been decided on.

    :param transport: its TLS layer.
    """

    def __init__(self, transport: BufferingTLSTransport, clock: IReactorTime) -> None:
        self._transport, self._clock = transport, clock
        self._socket: Any = transport.transport
        self._steps: Iterator[float] = iter(())
        self._timer: IDelayedCall | None = None

    def begin(self, plan: FaultPlan, within: float = LINGER) -> None:
        """Answer and close as planned.

        :param within: seconds after which the connection is dropped if the other side has not closed it.
        """
        self._steps = self._perform(plan, within)
        self._proceed()

    def cancel(self) -> None:
        """The connection is gone: cancel what was still to do."""
        self._steps = iter(())
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _proceed(self) -> None:
        """Go on until the next wait."""
        seconds = next(self._steps, None)
        if seconds is not None:
            self._timer = self._clock.callLater(seconds, self._proceed)

    def _perform(self, plan: FaultPlan, within: float) -> Iterator[float]:
        """Do all of it; yields the seconds to wait before going on."""
        if plan.delay:
            yield plan.delay
        if not plan.linger:
            self._read_no_more()
        for piece in plan.pieces:
            self._transport.write(piece)
            if len(plan.pieces) > 1:
                yield BEAT
        if plan.end is EndAction.RESET:
            yield 0  # the TLS layer sends what was written in the next turn,
            yield 0  # and the socket behind it in the one after, however late these come
            yield BEAT
            self._transport.abortConnection()
        elif not plan.linger:
            yield 0  # the TLS layer sends what was written in the next turn
            self._socket.loseConnection()
        else:
            # Closing with unread data would reset the connection, and a reset can destroy the answer on its
            # way: send close_notify, end our half of the TCP connection, leave the rest to the other side.
            self._transport.loseConnection()
            self._socket.loseWriteConnection()
            if plan.end is EndAction.CLOSE:
                yield within
                self._transport.abortConnection()

    def _read_no_more(self) -> None:
        """Leave unread data in the socket, and let TCP hold back what is small.

        An answer may then wait behind the TLS session tickets, not acknowledged yet, until the close drops
        it: this is how real services lose their errors.
        """
        if ITCPTransport.providedBy(self._transport):
            self._transport.setTcpNoDelay(False)
        self._transport.pauseProducing()
