"""Tokens that are signed here, and made anew when the service calls them too old."""

from typing import Final

from pushgate.protocols.http_push.token_clock import TokenClock
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.http_push.authorization import SignedTokens, Unauthorized

_TEXTS: Final = {
    Cause.CLOCK_WRONG: "this machine's clock is wrong; set it",
    Cause.CREDENTIAL_REJECTED: "the service does not know this key",
}


class RenewedTokens(SignedTokens):
    """See `Authorization`.

    :param too_old: the reasons by which the service says so; None: it refuses no token for anything else.
    """

    def __init__(self, clock: TokenClock, too_old: frozenset[str] | None = None) -> None:
        super().__init__(clock)
        self._clock, self._too_old = clock, too_old

    def refused(self, serial: int, reason: str, wall: float) -> Unauthorized | None:
        if self._clock.expired(serial, wall):
            return None
        is_old = self._too_old is None or reason in self._too_old
        cause = Cause.CLOCK_WRONG if is_old else Cause.CREDENTIAL_REJECTED
        return Unauthorized(cause, f"{reason} for a new token: {_TEXTS[cause]}")

    def accepted(self) -> None:
        self._clock.accepted()

    def renewed_too_often(self, wall: float) -> None:
        self._clock.renewed_too_often(wall)
