"""Conclusions about the push service from the end of a connection on the binary stream."""

from typing import Final

from pushgate.model.outcome import State
from pushgate.protocols.apns_binary.connection_end import End, Ending
from pushgate.protocols.apns_binary.status import OF_THE_CERTIFICATE
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.service_health import ServiceHealth

_UNPROVEN: Final = {
    End.SHUTDOWN: Cause.SHUTDOWN,
    End.ANSWERED: Cause.SERVICE_ERROR,
    End.UNTOLD: Cause.CLOSED_AT_ONCE,
    End.IDLE: Cause.CLOSED_AT_ONCE,
}
"""Causes by the end of a connection that was of no use."""
_OURS: Final = frozenset({End.ANSWERED, End.PROVEN})
"""Ends for which we are the reason."""
_TEXTS: Final = {
    Cause.CERTIFICATE_EXPIRED: "the push service says that our certificate has expired",
    Cause.CERTIFICATE_REJECTED: "the push service does not accept our certificate",
    Cause.WRONG_ENVIRONMENT: "the certificate seems to be of the other environment, or of another app",
    Cause.WRONG_TOPIC: "the push service finds no valid topic in our certificate",
    Cause.SHUTDOWN: "the push service is shutting down",
    Cause.SERVICE_ERROR: "the push service answered with an error of its own",
    Cause.CLOSED_AT_ONCE: "the push service closed a new connection without a word",
}


class EndJudge:
    """Decides whether a connection that ended was of use, and reports it to `health`."""

    def __init__(self, health: ServiceHealth) -> None:
        self._health = health
        self._convicted = False

    def judge(self, ending: Ending, cause: Cause | None, lived: bool) -> float:
        """Judge a connection that ended without our doing; return the seconds to wait before the next.

        :param cause: as TLS or the rejections gave it, if they did.
        :param lived: it was up for the response timeout.
        """
        if ending.end not in _OURS:
            self._health.lost()
        if ending.status in OF_THE_CERTIFICATE:
            cause = Cause.WRONG_TOPIC
        if cause is None and not ending.has_answered and not lived and not self._is_of_a_suspect(ending):
            cause = _UNPROVEN[ending.end]
        if cause is not None:
            return self._health.failed(cause, _TEXTS.get(cause, "the connection was lost"))
        if ending.has_answered:
            self.proven()
        self._health.ended(ending.end.name.lower())
        return 0.0

    def proven(self) -> None:
        """Note that the service was of use."""
        self._convicted = False
        self._health.proven()

    def _is_of_a_suspect(self, ending: Ending) -> bool:
        """Return True if a notification caused a connection's end, and not the service.

        Once one was given up as the culprit, the next must wait until something else went through: a
        service that closes on whatever it is sent would have us give up everything.
        """
        caused = ending.cornered and not self._convicted
        if any(verdict.state is State.FAILED for verdict in ending.verdicts):
            self._convicted = True
        return caused
