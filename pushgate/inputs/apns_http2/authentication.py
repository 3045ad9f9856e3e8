"""Who may push: a client with a principal's certificate or secret, or with a good provider token."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred

from pushgate.inputs.apns_http2.provider_keys import provider_keys
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.inputs.common.session import Authenticator
from pushgate.model.principals import Principal
from pushgate.net.tls import peer_subject
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.apns_http2.push_request import Refused, refusal
from pushgate.protocols.apns_http2.token_check import TokenCheck

_BEARER: Final = b"bearer "
FRESH: Final = 1.0
"""Seconds for which a header that was good is good on the same connection without another look."""
_REJECTED: Final = 1000
"""Provider tokens that are remembered as not verifiable."""


class Later(Exception):
    """A login has failed, and its answer comes later.

    :ivar waiting: fails with `NotLoggedIn` then.
    """

    def __init__(self, waiting: "Deferred[Principal]") -> None:
        super().__init__()
        self.waiting = waiting


class ProviderAuthentication(Authenticator):
    """Finds out who pushes, and whether such a one may.

    A client certificate that is a principal's decides by itself, as at Apple a certificate does: then no
    token is looked at. Where there are provider keys, every other client needs a provider token, or a
    principal's secret in its place. Where there are none, a provider token proves nothing and is not looked
    at.

    :raises CannotStart: the provider keys cannot be used.
    """

    def __init__(
        self, name: str, config: ApnsHTTP2InputTable, trusting: bool, gateway: IGateway, context: Context
    ) -> None:
        super().__init__(name, trusting, gateway, context, config.login_failures)
        self._where, self._wall, self._all = f"inputs.{name}", context.wall, context.principals
        # Absolute: twistd changes its directory when it becomes a daemon.
        self._directory = config.provider_keys and config.provider_keys.absolute()
        self._rejected: dict[bytes, None] = {}
        self._tokens = self._token_check(self._directory)

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`."""
        fresh = self._token_check(self._directory)

        def use() -> None:
            self._tokens = fresh
            self._rejected.clear()

        return use

    def credential(self, transport: Any) -> "Credential":
        """What the peer of `transport` has to show."""
        return Credential(self, transport)

    def by_certificate(self, transport: Any) -> Principal | None:
        """The principal of a peer's certificate; None without one.

        :raises Refused: the certificate belongs to no principal, and no other credential is accepted.
        """
        subject = peer_subject(transport)
        if subject is None:
            return None
        principal = self.logins.certified(subject, transport.getPeer())
        if principal is None and self._tokens is None and self.anonymous() is None:
            raise refusal(403, "BadCertificate")
        return principal

    def by_header(self, authorization: bytes | None, transport: Any) -> Principal | None:
        """The principal of a peer without a certificate; None for one whose provider token is good.

        :raises Refused: it may not push.
        :raises Later: the same, but it is to hear of it later.
        """
        secret = b"" if authorization is None else authorization[len(_BEARER) :].strip()
        token = authorization is None or secret.count(b".") == 2
        if not token and not self._all.open:
            found = self.logins.bearer(secret, transport.getPeer())
            if isinstance(found, Deferred):
                raise Later(found)
            return found
        if self._tokens is not None:
            self._check_token(self._tokens, authorization, transport)
            return None
        anonymous = self.anonymous()
        if anonymous is None:
            raise refusal(403, "MissingProviderToken" if authorization is None else "InvalidProviderToken")
        return anonymous

    def _check_token(self, tokens: TokenCheck, authorization: bytes | None, transport: Any) -> None:
        """Check a provider token. One that was rejected before costs nothing, and is no other attempt.

        :raises Refused: it is missing, expired, or was rejected before.
        :raises Later: it cannot be verified.
        """
        if authorization in self._rejected:
            raise refusal(403, "InvalidProviderToken")
        try:
            tokens.check(authorization, self._wall())
        except Refused as refused:
            if authorization is None or refused.answer.reason != "InvalidProviderToken":
                raise
            if len(self._rejected) >= _REJECTED:
                del self._rejected[next(iter(self._rejected))]
            self._rejected[authorization] = None
            raise Later(self.logins.rejected("a provider token", transport.getPeer())) from None

    def _token_check(self, directory: Path | None) -> TokenCheck | None:
        return None if directory is None else TokenCheck(provider_keys(self._where, directory))


class Credential:
    """What one connection has shown. What it shows again with each request is not proven each time."""

    __slots__ = (
        "_authentication", "_bad", "_certified", "_header", "_principal", "_proven", "_transport", "_until",
    )  # fmt: skip

    def __init__(self, authentication: ProviderAuthentication, transport: Any) -> None:
        self._authentication, self._transport = authentication, transport
        self._proven = False
        self._bad: Refused | None = None
        self._certified: Principal | None = None
        self._header: bytes | None = None
        self._principal: Principal | None = None
        self._until = 0.0

    def principal(self, authorization: bytes | None) -> Principal | None:
        """The principal of a request; None when a provider token allows it.

        :raises Refused: it may not push.
        :raises Later: the same, but it is to hear of it later.
        """
        if not self._proven:
            self._prove()
        if self._bad is not None:
            raise self._bad
        if self._certified is not None:
            return self._certified
        now = self._authentication.clock.seconds()
        if authorization == self._header and now < self._until:
            return self._principal
        self._until = 0.0
        self._principal = self._authentication.by_header(authorization, self._transport)
        self._header, self._until = authorization, now + FRESH
        return self._principal

    def _prove(self) -> None:
        """Look at the certificate, once."""
        self._proven = True
        try:
            self._certified = self._authentication.by_certificate(self._transport)
        except Refused as bad:
            self._bad = bad
