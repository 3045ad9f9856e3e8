"""Whether the push service is of use to one app; said to its queue, the log and the metrics."""

from typing import Final

from twisted.logger import Logger

from pushgate.model.outcome import State
from pushgate.plugin.interfaces import Context, IWork
from pushgate.protocols.apns_binary.connection_end import End, Ending
from pushgate.protocols.apns_binary.status import OF_THE_CERTIFICATE
from pushgate.upstreams.common.circuit_breaker import Cause, Circuit
from pushgate.upstreams.common.handshake_limit import MANY, HandshakeLimit

_UNPROVEN: Final = {
    End.SHUTDOWN: Cause.SHUTDOWN,
    End.ANSWERED: Cause.SERVICE_ERROR,
    End.UNTOLD: Cause.CLOSED_AT_ONCE,
    End.IDLE: Cause.CLOSED_AT_ONCE,
}
"""What the end of a connection that was of no use means."""
_TOLD: Final = frozenset({End.ANSWERED, End.PROVEN})
"""Ends for which we are the reason."""
_WORDS: Final = {
    Cause.CERTIFICATE_EXPIRED: "the push service says that our certificate has expired",
    Cause.CERTIFICATE_REJECTED: "the push service does not accept our certificate",
    Cause.WRONG_ENVIRONMENT: "the certificate seems to be of the other environment, or of another app",
    Cause.WRONG_TOPIC: "the push service finds no valid topic in our certificate",
    Cause.SHUTDOWN: "the push service is shutting down",
    Cause.SERVICE_ERROR: "the push service answered with an error of its own",
    Cause.CLOSED_AT_ONCE: "the push service closed a new connection without a word",
}

_BLOCK: Final = (
    "turned away again and again; every attempt would prolong a block, so there is none for an hour"
)


class Health:
    """Draws the conclusions about the service from what its connections come to.

    :param handshakes: connections tried a minute at most; 0 sets no limit.
    :ivar circuit: for looking at; only this class changes it.
    """

    log = Logger()

    def __init__(self, app: str, work: IWork, context: Context, handshakes: int) -> None:
        self._app, self._work, self._context = app, work, context
        self.circuit = Circuit(context.jitter)
        self._handshakes = HandshakeLimit(handshakes, context.jitter)
        self._convicted = False

    def wait(self) -> float:
        """Seconds until a connection may be tried; 0 when it may be now."""
        now = self._now()
        return max(self.circuit.wait(now), self._handshakes.wait(now))

    @property
    def is_waiting(self) -> bool:
        """Whether the service failed and is left alone for a while."""
        return self.circuit.wait(self._now()) > 0

    def tried(self) -> None:
        """A connection is being tried."""
        self._handshakes.made(self._now())

    @property
    def is_blocked(self) -> bool:
        """Whether nothing at all should be tried."""
        return self.circuit.cause is Cause.SUSPECTED_BLOCK

    def judge(self, ending: Ending, cause: Cause | None, lived: bool) -> float:
        """Was a connection that ended without our doing of use? Return the seconds to wait before the next.

        :param cause: what TLS or the rejections said of it, if anything.
        :param lived: it was up for the response timeout.
        """
        if ending.end not in _TOLD:
            self._handshakes.lost()
        if ending.status in OF_THE_CERTIFICATE:
            cause = Cause.WRONG_TOPIC
        told = ending.before or (ending.verdicts and ending.status is not None)
        if cause is None and not told and not lived and not self._is_of_a_suspect(ending):
            cause = _UNPROVEN[ending.end]
        if cause is not None:
            return self.failed(cause, _WORDS.get(cause, "the connection was lost"))
        if told:
            self.proven()
        self._count(ending.end.name.lower())
        return 0.0

    def spare_ended(self, ending: Ending) -> None:
        """A connection that was not in use is gone without our doing: that says nothing."""
        self._handshakes.lost()
        self._count(ending.end.name.lower())

    def proven(self) -> None:
        """The service was of use."""
        self._convicted = False
        if self.circuit.failures:
            self._handshakes.lost(MANY)  # those that wait for this do not all come at once
            self.log.info("{app}: the push service can be used again", app=self._app)
        self.circuit.proven()
        self._work.reachable(True)

    def failed(self, cause: Cause, text: str) -> float:
        """The service was of no use; return the seconds to wait before the next attempt."""
        was_open, was_blocked = self.circuit.is_open, self.is_blocked
        wait = self.circuit.failed(cause, self._now())
        self._handshakes.lost()
        if self.is_blocked:
            cause, text = Cause.SUSPECTED_BLOCK, f"{_BLOCK} ({cause}: {text})"
        self._count(cause)
        self._work.reachable(False)
        is_news = (self.circuit.is_open and not was_open) or (self.is_blocked and not was_blocked)
        tell = self.log.critical if is_news else self.log.warn
        tell(
            "{app}: {cause}: {text}; next attempt in {wait:.1f} s (failure {failures})",
            app=self._app, cause=cause.value, text=text, wait=wait, failures=self.circuit.failures,
        )  # fmt: skip
        return wait

    def _is_of_a_suspect(self, ending: Ending) -> bool:
        """Whether a notification is to blame for a connection's end, and not the service.

        Once one was given up as the culprit, the next must wait until something else went through: a
        service that closes on whatever it is sent would have us give up everything.
        """
        blamed = ending.cornered and not self._convicted
        if any(verdict.state is State.FAILED for verdict in ending.verdicts):
            self._convicted = True
        return blamed

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now

    def _count(self, cause: str) -> None:
        self._context.metrics.count("pushgate_reconnects_total", self._app, cause)
