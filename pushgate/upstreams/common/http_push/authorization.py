"""How the requests of an app are authenticated."""

from typing import Protocol

import msgspec

from pushgate.protocols.http_push.service import Header
from pushgate.upstreams.common.circuit_breaker import Cause


class Unauthorized(msgspec.Struct, frozen=True):
    """Why a renewal does not help.

    :param text: for an operator.
    :param wait: seconds at least before another one is tried.
    :param answered: the service has said so itself; False: it could not be asked.
    """

    cause: Cause
    text: str
    wait: float = 0.0
    answered: bool = True


class AuthorizedUpstream(Protocol):
    """An upstream, as its authorization calls it."""

    def wake(self) -> None:
        """Write soon: there is a token."""

    def unauthorized(self, refusal: Unauthorized) -> None:
        """There is no token to be had for the moment."""


class Authorization(Protocol):
    """The headers that authenticate, for all connections of an app.

    :ivar needs_proof: a new connection makes one request at a time until an answer shows that it is accepted.
    """

    needs_proof: bool

    def headers(self, wall: float) -> tuple[tuple[Header, ...], int] | None:
        """The headers at `wall`, Unix seconds, and the serial of the token in them.

        None while there is no token yet: it is being fetched, and the upstream is woken when it has come.
        """

    def refused(self, serial: int, reason: str, wall: float) -> Unauthorized | None:
        """The service calls the token of this serial too old; None when it will be another one from now on.

        :param reason: as the service spells it.
        """

    def accepted(self) -> None:
        """A request with it was answered as valid."""

    def renewed_too_often(self, wall: float) -> None:
        """The service has seen too many tokens: keep the last one for a while."""

    def attach(self, upstream: AuthorizedUpstream) -> None:
        """An upstream begins to use it."""

    def detach(self, upstream: AuthorizedUpstream) -> None:
        """An upstream uses it no more; harmless when that was said before."""


class TokenSigner(Protocol):
    """Makes tokens that are signed here.

    :ivar serial: counts them.
    """

    serial: int

    def authorization(self, wall: float) -> bytes:
        """The value of the header at `wall`, Unix seconds."""


class NoToken:
    """Nothing but what TLS has shown, or headers that never change.

    :param fixed: those headers.
    """

    needs_proof = False

    def __init__(self, fixed: tuple[Header, ...] = ()) -> None:
        self._fixed = fixed

    def headers(self, wall: float) -> tuple[tuple[Header, ...], int]:
        """See `Authorization`."""
        return self._fixed, 0

    def refused(self, serial: int, reason: str, wall: float) -> Unauthorized | None:
        """See `Authorization`."""
        return Unauthorized(Cause.CREDENTIAL_REJECTED, f"{reason}, where no token can be renewed")

    def accepted(self) -> None:
        """See `Authorization`."""

    def renewed_too_often(self, wall: float) -> None:
        """See `Authorization`."""

    def attach(self, upstream: AuthorizedUpstream) -> None:
        """See `Authorization`."""

    def detach(self, upstream: AuthorizedUpstream) -> None:
        """See `Authorization`."""


class SignedTokens(NoToken):
    """Tokens that are signed here, so that there is always one."""

    needs_proof = True

    def __init__(self, signer: TokenSigner) -> None:
        super().__init__()
        self._signer = signer

    def headers(self, wall: float) -> tuple[tuple[Header, ...], int]:
        """See `Authorization`."""
        header = self._signer.authorization(wall)
        return ((b"authorization", header),), self._signer.serial
