"""The circuit breaker of one app: when it may connect, and the cause while it may not."""

from enum import StrEnum
from typing import Final

from pushgate.model.backoff import Jitter, delay


class Cause(StrEnum):
    """Causes why a push service could not be used, as operators read them; explained in docs/operating.md."""

    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_REJECTED = "certificate-rejected"
    WRONG_ENVIRONMENT = "wrong-environment"
    WRONG_TOPIC = "wrong-topic"
    CREDENTIAL_REJECTED = "credential-rejected"
    CLOCK_WRONG = "clock-wrong"
    SERVER_NOT_TRUSTED = "server-not-trusted"
    NOT_HTTP2 = "not-http2"
    NOT_HTTP = "not-http"
    NAME_NOT_RESOLVED = "name-not-resolved"
    REFUSED = "refused"
    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    TIMED_OUT = "timed-out"
    HANDSHAKE_FAILED = "handshake-failed"
    CLOSED_AT_ONCE = "closed-at-once"
    SUSPECTED_BLOCK = "suspected-block"
    SHUTDOWN = "shutdown"
    SERVICE_ERROR = "service-error"
    TOKEN_SERVICE = "token-service"  # noqa: S105 - a cause, not a secret
    NETWORK = "network"


OURS: Final = frozenset({
    Cause.CERTIFICATE_EXPIRED, Cause.CERTIFICATE_NOT_YET_VALID, Cause.CERTIFICATE_REJECTED,
    Cause.WRONG_ENVIRONMENT, Cause.WRONG_TOPIC, Cause.CREDENTIAL_REJECTED, Cause.CLOCK_WRONG,
    Cause.SERVER_NOT_TRUSTED,
})  # fmt: skip
"""Causes that trying again does not cure: our own configuration. They open the circuit at once."""
_QUICK: Final = frozenset({Cause.CLOSED_AT_ONCE, Cause.HANDSHAKE_FAILED})
"""How a provider that is blocked is turned away."""

TOLERATED: Final = 2
"""Failures in a row of any other cause before the circuit opens."""
FIRST_DELAY: Final = 1.0
"""Seconds before the first new attempt."""
CAP: Final = 60.0
"""Seconds between attempts at most while the network is at fault: an outage ends without notice."""
LONG_CAP: Final = 7200.0
"""The same when attempts themselves do harm: Apple blocks a provider that connects again and again, and
lifts the block after about an hour without an attempt (TN2265). Half of a delay is certain: one hour."""
_HARMFUL: Final = OURS | _QUICK | {Cause.SUSPECTED_BLOCK, Cause.SHUTDOWN}
BLOCK_AFTER: Final = 5
"""Attempts in a row, each made after waiting for it, that were turned away before a block is suspected."""
HOLD: Final = 3600.0
"""Seconds without any attempt once a block is suspected: each one would prolong it."""
HOLD_JITTER: Final = 360.0
"""Seconds of chance beyond `HOLD`; never less than it."""


class Circuit:
    """Counts failures in a row and says when the next attempt may be made.

    Only proof of use closes it again: a TLS handshake proves nothing, since a peer that accepts and closes
    at once, and one that rejects our certificate under TLS 1.3, complete it too.

    :param jitter: the chance in the delays.
    :ivar is_open: the push service counts as unusable; one attempt at a time is made then.
    :ivar failures: in a row since the last success.
    :ivar cause: of the last failure since the last success. When attempt after attempt is turned away at
        once, it is a suspected block, and the next attempt is made after an hour of silence at the earliest.
    :ivar retry_at: monotonic seconds before which no attempt may be made.
    """

    is_open: bool
    failures: int
    cause: Cause | None
    retry_at: float
    _turned_away: int

    def __init__(self, jitter: Jitter) -> None:
        self._jitter = jitter
        self.proven()

    def failed(self, cause: Cause, now: float, at_least: float = 0.0) -> float:
        """Count a failure at `now`, monotonic seconds; return the seconds until the next attempt.

        :param at_least: seconds that the service itself asks for.
        """
        if now >= self.retry_at:  # else it is of an attempt made together with one that failed before
            self._turned_away = self._turned_away + 1 if cause in _QUICK else 0
        if self._turned_away >= BLOCK_AFTER and cause in _QUICK:
            cause = Cause.SUSPECTED_BLOCK
        self.failures += 1
        self.cause = cause
        self.is_open = self.is_open or cause in OURS or self.failures > TOLERATED
        self.retry_at = max(self.retry_at, now + max(at_least, self._delay(cause)))
        return self.retry_at - now

    def rest(self, now: float, seconds: float) -> None:
        """Make no attempt for so long at least from `now`, monotonic seconds."""
        self.retry_at = max(self.retry_at, now + seconds)

    def proven(self) -> None:
        """The push service was of use: close the circuit and forget all failures."""
        self.is_open, self.failures, self.cause = False, 0, None
        self._turned_away = 0
        self.retry_at = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until an attempt may be made; 0 when it may be now."""
        return max(0.0, self.retry_at - now)

    def _delay(self, cause: Cause) -> float:
        if cause is Cause.SUSPECTED_BLOCK:
            return HOLD + HOLD_JITTER * self._jitter()
        cap = LONG_CAP if cause in _HARMFUL else CAP
        return delay(self.failures, first=FIRST_DELAY, cap=cap, jitter=self._jitter)
