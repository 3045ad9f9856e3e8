"""The feedback service: sends the list of dead tokens to a client, forgets it, and closes."""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.interfaces import IHandshakeListener, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.errors import Overloaded
from pushgate.protocols.apns_binary.feedback import FeedbackTuple, encode
from pushgate.simulator.connection_close import ConnectionClose
from pushgate.simulator.connection_gate import ConnectionGate, GuardedConnection
from pushgate.simulator.fault_plan import FaultPlan
from pushgate.simulator.fault_rules import CutFeedback

_LIMIT: Final = 1_000_000
"""Tuples that may wait to be read."""


_READING_TIME: Final = 300.0
"""Seconds that a reader has for the list."""


class FeedbackService:
    """The list of dead tokens. Reading it empties it.

    :param rule: the rule for the nth connection.
    :ivar sent: tuples sent whole.
    """

    def __init__(self, rule: Callable[[int], CutFeedback | None], clock: IReactorTime) -> None:
        self._rule, self.clock = rule, clock
        self._tuples: list[FeedbackTuple] = []
        self.sent = 0

    @property
    def waiting(self) -> int:
        """Tuples that were not read yet."""
        return len(self._tuples)

    def add(self, tuples: Sequence[FeedbackTuple]) -> None:
        """Put tuples at the end of the list; raise `Overloaded`, adding none, when it would grow too long."""
        if len(self._tuples) + len(tuples) > _LIMIT:
            raise Overloaded("feedback", len(self._tuples), _LIMIT)
        self._tuples += tuples

    def connect(self, gate: ConnectionGate, number: int) -> "FeedbackSender":
        """A protocol for one more connection."""
        return FeedbackSender(self, gate, number)

    def read(self, connection: int) -> bytes:
        """The stream for the nth connection, cut if the script says so."""
        tuples, self._tuples = self._tuples, []
        rule = self._rule(connection)
        if rule is None:
            self.sent += len(tuples)
            return b"".join(map(encode, tuples))
        self.sent += min(rule.tuples, len(tuples))
        partial = b"".join(map(encode, tuples[rule.tuples : rule.tuples + 1]))[: rule.keep]
        return b"".join(map(encode, tuples[: rule.tuples])) + partial

    def forget(self) -> None:
        """Empty the list."""
        self._tuples = []


@implementer(IHandshakeListener)
class FeedbackSender(GuardedConnection):
    """One reading of the list."""

    log = Logger()

    def __init__(self, service: FeedbackService, gate: ConnectionGate, number: int) -> None:
        super().__init__(gate, number)
        self._service = service
        self._closing: ConnectionClose | None = None

    def handshakeCompleted(self) -> None:
        stream = self._service.read(self.number)
        self.log.info("feedback connection {number}: {size} bytes", number=self.number, size=len(stream))
        self._closing = ConnectionClose(self.transport, self._service.clock)
        self._closing.begin(FaultPlan(pieces=(stream,)), within=_READING_TIME)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._closing is None:
            self.gate.handshakes_failed += 1
        else:
            self._closing.cancel()
        super().connectionLost(reason)
