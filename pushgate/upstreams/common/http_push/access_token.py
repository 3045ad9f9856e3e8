"""An access token of OAuth 2 (RFC 6749), fetched when it is needed and renewed before it expires."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.model.errors import PushgateError, reason
from pushgate.protocols.http_push.service import Header
from pushgate.protocols.oauth import TokenGrant
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.http_push.authorization import AuthorizedUpstream, Unauthorized

EARLY: Final = 300.0
"""Seconds before its end at which a token is renewed, if it lives for longer than five times that."""
PAUSE: Final = 30.0
"""Seconds until a renewal is tried again while the last token still holds."""


class NoAccessToken(PushgateError):
    """The token service gave none.

    :param why: for the upstreams.
    """

    def __init__(self, why: Unauthorized) -> None:
        super().__init__(why.text)
        self.why = why


class AccessToken:
    """The token of one credential, for all upstreams that use it: one request for it at a time.

    See `Authorization`. While a renewal fails the last token is used until it ends; only then is there none.

    :param fetch: asks the token service; fails with `NoAccessToken`.
    """

    log = Logger()
    needs_proof = True

    def __init__(
        self, app: str, fetch: Callable[[], "Deferred[TokenGrant]"], wall: Callable[[], float]
    ) -> None:
        self._app, self._fetch, self._wall = app, fetch, wall
        self._upstreams: list[AuthorizedUpstream] = []
        self._fetching: Deferred[TokenGrant] | None = None
        self._headers: tuple[Header, ...] = ()
        self._serial = 0
        self._is_proven = False
        self._renew_at = self._ends_at = float("-inf")

    # Authorization

    def attach(self, upstream: AuthorizedUpstream) -> None:
        self._upstreams.append(upstream)

    def detach(self, upstream: AuthorizedUpstream) -> None:
        if upstream in self._upstreams:
            self._upstreams.remove(upstream)
        if not self._upstreams and self._fetching is not None:
            self._fetching.cancel()

    def headers(self, wall: float) -> tuple[tuple[Header, ...], int] | None:
        if wall >= self._renew_at:
            self._renew()
        return (self._headers, self._serial) if wall < self._ends_at else None

    def refused(self, serial: int, reason: str, wall: float) -> Unauthorized | None:
        if serial != self._serial or self._ends_at <= wall:
            return None  # another one is used, or on its way
        self._renew_at = self._ends_at = float("-inf")
        if self._is_proven:
            return None
        return Unauthorized(
            Cause.CREDENTIAL_REJECTED, f"{reason or 'refused'}: of an access token that is new"
        )

    def accepted(self) -> None:
        self._is_proven = True

    def renewed_too_often(self, wall: float) -> None:
        self._renew_at = max(self._renew_at, wall + PAUSE)

    # within

    def _renew(self) -> None:
        """Ask for a token, unless that is under way."""
        if self._fetching is None:
            self._fetching = asked = self._fetch()
            asked.addBoth(self._fetched)

    def _fetched(self, result: "TokenGrant | Failure") -> None:
        self._fetching = None
        if isinstance(result, TokenGrant):
            self._use(result)
        elif not result.check(CancelledError):
            self._failed(result)

    def _use(self, grant: TokenGrant) -> None:
        wall = self._wall()
        self._headers = ((b"authorization", b"Bearer " + grant.token.encode()),)
        self._serial += 1
        self._is_proven = False
        self._ends_at = wall + grant.lifetime
        self._renew_at = self._ends_at - min(EARLY, grant.lifetime / 5)
        for upstream in tuple(self._upstreams):
            upstream.wake()

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        assert error is not None
        if isinstance(error, NoAccessToken):
            refusal = error.why
        else:
            self.log.failure("{app}: asking for an access token", failure, app=self._app)
            refusal = Unauthorized(Cause.TOKEN_SERVICE, reason(error))
        wall = self._wall()
        if wall < self._ends_at:
            self._renew_at = wall + max(PAUSE, refusal.wait)
            self.log.warn(
                "{app}: the access token could not be renewed: {why}", app=self._app, why=refusal.text
            )
            return
        if not self._upstreams:  # which have logs and circuits of their own
            self.log.error("{app}: no access token: {why}", app=self._app, why=refusal.text)
        for upstream in tuple(self._upstreams):
            upstream.unauthorized(refusal)
