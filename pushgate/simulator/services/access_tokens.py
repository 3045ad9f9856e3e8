"""Access tokens: issued by the services' token endpoints, asked for at each push."""

from typing import Final, Literal
from uuid import uuid4

Verdict = Literal["good", "unknown", "expired"]
_MOST: Final = 100_000
"""Tokens that are remembered."""


class AccessTokens:
    """The tokens of one service.

    :param lifetime: seconds, as a client is told.
    :param good_for: seconds, in truth; an access token may be withdrawn at any time.
    """

    def __init__(self, lifetime: float = 3600.0, good_for: float | None = None) -> None:
        self.lifetime = lifetime
        self._good_for = lifetime if good_for is None else good_for
        self._until: dict[str, float] = {}
        self.issued = 0

    def issue(self, now: float, prefix: str = "sim") -> str:
        """A new token."""
        self.issued += 1
        token = f"{prefix}.{uuid4().hex}{uuid4().hex}"
        if len(self._until) >= _MOST:
            del self._until[next(iter(self._until))]
        self._until[token] = now + self._good_for
        return token

    def check(self, token: str | None, now: float) -> Verdict:
        """Whether a token is good."""
        until = self._until.get(token or "")
        if until is None:
            return "unknown"
        return "good" if now < until else "expired"

    def expire(self) -> None:
        """Withdraw every token that was issued."""
        self._until = dict.fromkeys(self._until, 0.0)
