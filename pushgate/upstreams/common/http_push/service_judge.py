"""Conclusions about the push service and the credential from answers, and from the ends of connections."""

from typing import Final

from pushgate.protocols.http_push.answers import Follows
from pushgate.protocols.http_push.findings import Findings
from pushgate.protocols.http_push.service import PushService
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.http_push.authorization import Authorization, Unauthorized
from pushgate.upstreams.common.http_push.connection import HTTPPushConnection
from pushgate.upstreams.common.service_health import ServiceHealth

TROUBLE: Final = 3
"""Answers in a row that say that the service is in trouble, before it is given a rest."""
_TEXTS: Final = {
    Cause.CERTIFICATE_EXPIRED: "the push service says that our certificate has expired",
    Cause.CERTIFICATE_REJECTED: "the push service does not accept our certificate",
    Cause.WRONG_ENVIRONMENT: "the credential seems to be of the other environment, or of another app",
    Cause.CLOSED_AT_ONCE: "the push service closed a new connection without an answer",
    Cause.TIMED_OUT: "the push service answers nothing",
}


class ServiceJudge:
    """Decides when nothing is to be sent for a while, and reports why to `health`.

    :param key: of the credential in the configuration, for messages.
    """

    def __init__(
        self, health: ServiceHealth, service: PushService, authorization: Authorization, key: str
    ) -> None:
        self._health, self._service, self._authorization = health, service, authorization
        self._key = key
        self._trouble = 0
        self._proven = False

    @property
    def is_waiting(self) -> bool:
        """Whether nothing may be sent now."""
        return self._health.is_waiting

    @property
    def is_doubtful(self) -> bool:
        """Whether the service failed last: one request has to show that it is of use again."""
        return self._health.circuit.failures > 0

    def wait(self) -> float:
        """Seconds until the next attempt."""
        return self._health.wait()

    def judge(self, findings: Findings, tripped: bool, proven: bool, wall: float) -> Cause | None:
        """Judge what came; return why nothing is to be sent for a while, if so it is.

        :param tripped: so many tokens were refused that the environment is suspect.
        :param proven: the connection was of use.
        :param wall: Unix seconds.
        """
        if findings.valid and not tripped:
            self._prove()
        if findings.renewed_too_often:
            self._authorization.renewed_too_often(wall)
        self._trouble = findings.trouble if findings.valid else self._trouble + findings.trouble
        cause, text = self._verdict(findings, tripped, wall)
        if cause is None and findings.leave is not None and not proven:
            why = findings.leave.reason
            cause, text = Cause.SHUTDOWN, f"the push service has no use for a new connection: {why}"
        if self.is_waiting:
            self._health.rest(findings.rest)
            return None
        if cause is None:
            return None
        self._health.failed(cause, text, findings.rest)
        return cause

    def unauthorized(self, refusal: Unauthorized) -> float:
        """Judge that there is no token to be had; return the seconds to wait before the next try."""
        return self._health.failed(refusal.cause, f"{self._key}: {refusal.text}", refusal.wait)

    def ended(self, connection: HTTPPushConnection, cause: Cause | None, lived: bool) -> float:
        """Judge a connection that ended without our doing; return the seconds to wait before the next.

        :param cause: as TLS gave it, if it did.
        :param lived: it was up for longer than an answer takes.
        """
        self._health.lost()
        if self.is_waiting:
            return self._health.wait()  # it ended because of that, or says no more
        text = _TEXTS.get(cause, "the connection was lost") if cause is not None else ""
        if cause is None:
            cause, text = self._of_end(connection, lived)
        if cause is not None:
            return self._health.failed(cause, text)
        self._health.ended("lost" if connection.goaway_debug is None else "goaway")
        return 0.0

    def _prove(self) -> None:
        """An answer has shown that the service is of use."""
        self._authorization.accepted()
        if not self._proven or self._health.circuit.failures:
            self._proven = True
            self._health.proven()

    def _verdict(self, findings: Findings, tripped: bool, wall: float) -> tuple[Cause | None, str]:
        """Why nothing is to be sent, and in which words."""
        if tripped:
            return Cause.WRONG_ENVIRONMENT, f"{self._key}: {_TEXTS[Cause.WRONG_ENVIRONMENT]}"
        if findings.held is not None:
            return Cause(findings.held.cause), f"{self._key}: {findings.held.reason}: {findings.held.words}"
        if findings.expired is not None:
            refusal = self._authorization.refused(findings.expired, findings.expired_reason, wall)
            if refusal is not None:
                return refusal.cause, f"{self._key}: {refusal.text}"
        troubled = findings.trouble > findings.valid
        if troubled and (self._trouble >= TROUBLE or self.is_doubtful):
            self._trouble = 0
            return Cause.SERVICE_ERROR, "the push service answers that it is in trouble"
        return None, ""

    def _of_end(self, connection: HTTPPushConnection, lived: bool) -> tuple[Cause | None, str]:
        """Why a connection ended that TLS gave no reason for."""
        if connection.fault:
            return connection.protocol_fault, connection.fault
        said = connection.goaway_debug
        row = None if said is None else self._service.read_goaway(said)
        if row is not None and row.follows is Follows.HELD:
            return Cause(row.cause), f"{self._key}: {row.reason}: {row.words}"
        if connection.was_of_use:
            return None, ""
        if connection.vanished:
            return Cause.TIMED_OUT, _TEXTS[Cause.TIMED_OUT]
        if lived:
            return None, ""
        if row is None:
            return Cause.CLOSED_AT_ONCE, _TEXTS[Cause.CLOSED_AT_ONCE]
        why = row.reason or "no reason given"
        return Cause.SHUTDOWN, f"the push service went away before it answered: {why}"
