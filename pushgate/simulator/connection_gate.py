"""The gate before a service: numbers connections, turns some away before TLS, and knows who is inside."""

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
    """A connection that a gate let in or turned away."""

    transport: Any  # in turn TCP, UNIX, and TLS over one of them

    def __init__(self, gate: "ConnectionGate", number: int) -> None:
        self.gate, self.number = gate, number

    def connectionMade(self) -> None:
        self.gate.guests.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gate.leave(self)

    def drop(self) -> None:
        """Go, at once."""
        self.transport.abortConnection()


class TurnedAway(GuardedConnection):
    """A connection reset before TLS."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.drop()


class Alerted(GuardedConnection):
    """A connection whose handshake is answered with a fatal alert."""

    def __init__(self, gate: "ConnectionGate", number: int, alert: int) -> None:
        super().__init__(gate, number)
        self._alert = alert

    def dataReceived(self, data: bytes) -> None:
        # What came must be the ClientHello.
        self.transport.write(_FATAL_ALERT + bytes((self._alert,)))
        self.transport.loseConnection()


class ConnectionGate(Factory):
    """Lets connections in to one service, over TLS.

    :param judge: the rule for the nth connection, None to let it in.
    :param build: the protocol for the nth connection.
    :ivar accepted: connections that got a number. One turned away only because an earlier one was gets none.
    :ivar refused: connections turned away before TLS.
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
        self.guests: set[GuardedConnection] = set()
        self.accepted = self.refused = self.handshakes_failed = 0

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        if self._refusing():
            self.refused += 1
            return TurnedAway(self, 0)
        self.accepted += 1
        rule = self._judge(self.accepted)
        if isinstance(rule, Refuse):
            self.log.info("connection {number} and later ones refused for {seconds} s, as scripted",
                          number=self.accepted, seconds=rule.duration)  # fmt: skip
            self._refusal = (self._clock.seconds() + rule.duration, rule)
            self.refused += 1
            return TurnedAway(self, self.accepted)
        if isinstance(rule, TlsAlert):
            self.handshakes_failed += 1
            return Alerted(self, self.accepted, rule.alert)
        return HalfCloseableTLS(self._tls, self._build(self, self.accepted))

    def leave(self, guest: GuardedConnection) -> None:
        """A connection is gone."""
        self.guests.discard(guest)
        if self._empty is not None and not self.guests:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def clear(self) -> Deferred[None]:
        """Drop every connection; fires when all are gone."""
        done: Deferred[None] = Deferred()
        self._empty = done
        for guest in tuple(self.guests):
            guest.drop()
        if not self.guests and not done.called:
            self._empty = None
            done.callback(None)
        return done

    def forgive(self) -> None:
        """Refuse no longer."""
        self._refusal = None

    def forget(self) -> None:
        """Begin the counts of the summary anew; the numbers of connections go on."""
        self._forgotten = self.accepted
        self.refused = self.handshakes_failed = 0

    def summary(self) -> dict[str, int]:
        """The counts, ready for JSON."""
        return {
            "accepted": self.accepted - self._forgotten,
            "open": len(self.guests),
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
