"""The listener of one simulated service: numbers connections, refuses some before TLS, tracks open ones."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from pushgate.simulator.connection_close import HalfCloseableTLS
from pushgate.simulator.fault_rules import ConnectionRule, Refuse, TlsAlert

_FATAL_ALERT: Final = b"\x15\x03\x03\x00\x02\x02"
"""A TLS record: alert, TLS 1.2, two bytes, fatal. The description follows. Valid before the ServerHello."""


class GuardedConnection(Protocol):
    """A connection that was accepted or refused."""

    transport: Any  # in turn TCP, UNIX, and TLS over one of them

    def __init__(self, gate: "ConnectionGate", number: int) -> None:
        self.gate, self.number = gate, number

    def connectionMade(self) -> None:
        self.gate.connections.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gate.remove(self)

    def drop(self) -> None:
        """Close at once."""
        self.transport.abortConnection()


class RefusedConnection(GuardedConnection):
    """A connection reset before TLS."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.drop()


class AlertedConnection(GuardedConnection):
    """A connection whose handshake is answered with a fatal alert."""

    def __init__(self, gate: "ConnectionGate", number: int, alert: int) -> None:
        super().__init__(gate, number)
        self._alert = alert

    def dataReceived(self, data: bytes) -> None:
        # What came must be the ClientHello.
        self.transport.write(_FATAL_ALERT + bytes((self._alert,)))
        self.transport.loseConnection()


class ConnectionGate(Factory):
    """Accepts connections to one service, over TLS.

    :param judge: the rule for the nth connection, None to accept it.
    :param build: the protocol for the nth connection.
    :ivar accepted: connections that got a number. One refused only because an earlier one was gets none.
    :ivar refused: connections refused before TLS.
    :ivar handshakes_failed: connections lost before TLS was established.
    """

    noisy = False
    log = Logger()

    def __init__(
        self,
        tls: CertificateOptions,
        clock: IReactorTime,
        judge: Callable[[int], ConnectionRule | None],
        build: Callable[["ConnectionGate", int], GuardedConnection],
    ) -> None:
        self._clock, self._judge, self._build = clock, judge, build
        self._tls = TLSMemoryBIOFactory(tls, False, Factory(), clock)
        self._refusal: tuple[float, Refuse] | None = None
        self._empty: Deferred[None] | None = None
        self._forgotten = 0
        self.connections: set[GuardedConnection] = set()
        self.accepted = self.refused = self.handshakes_failed = 0

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        if self._refusing():
            self.refused += 1
            return RefusedConnection(self, 0)
        self.accepted += 1
        rule = self._judge(self.accepted)
        if isinstance(rule, Refuse):
            self.log.info("connection {number} and later ones refused for {seconds} s, as scripted",
                          number=self.accepted, seconds=rule.duration)  # fmt: skip
            self._refusal = (self._clock.seconds() + rule.duration, rule)
            self.refused += 1
            return RefusedConnection(self, self.accepted)
        if isinstance(rule, TlsAlert):
            self.handshakes_failed += 1
            return AlertedConnection(self, self.accepted, rule.alert)
        return HalfCloseableTLS(self._tls, self._build(self, self.accepted))

    def remove(self, connection: GuardedConnection) -> None:
        """Remove a connection that is gone."""
        self.connections.discard(connection)
        if self._empty is not None and not self.connections:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def clear(self) -> Deferred[None]:
        """Drop every connection; fires when all are gone."""
        done: Deferred[None] = Deferred()
        self._empty = done
        for connection in tuple(self.connections):
            connection.drop()
        if not self.connections and not done.called:
            self._empty = None
            done.callback(None)
        return done

    def end_refusal(self) -> None:
        """End a refusal in progress."""
        self._refusal = None

    def forget(self) -> None:
        """Begin the counts of the summary anew; the numbers of connections go on."""
        self._forgotten = self.accepted
        self.refused = self.handshakes_failed = 0

    def summary(self) -> dict[str, int]:
        """The counts, ready for JSON."""
        return {
            "accepted": self.accepted - self._forgotten,
            "open": len(self.connections),
            "refused": self.refused,
            "handshakes_failed": self.handshakes_failed,
        }

    def _refusing(self) -> bool:
        if self._refusal is None:
            return False
        until, rule = self._refusal
        now = self._clock.seconds()
        if now >= until:
            self._refusal = None
            return False
        if rule.extend:
            self._refusal = (now + rule.duration, rule)
        return True
