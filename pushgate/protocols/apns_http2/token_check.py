"""Provider tokens as the push service checks them: JSON Web Tokens, signed with ES256 by a key that it knows.

From "Establishing a token-based connection to APNs". Two things it leaves open: a token of the future is
expired here too, since both are a clock that is wrong; and ``iat`` may be a string of digits, since clients
that send one are served.
"""

from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.types import Options

from pushgate.protocols.apns_http2.push_request import Refused, refusal

LIFETIME: Final = 3600.0
"""Seconds for which a provider token is good."""
_MOST: Final = 1000
"""Tokens whose signature is remembered."""
_LONGEST: Final = 4096
"""Bytes of an authorization header that are looked at; a token has about 200."""
_SCHEME: Final = b"bearer "
_UNCHECKED: Final[Options] = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""PyJWT checks the signature; its clock is not ours."""


class ProviderKey(msgspec.Struct, frozen=True):
    """A key that the service knows.

    :param key: on the curve P-256.
    :param team: whose it is; None: any team may use it.
    """

    key: EllipticCurvePublicKey
    team: str | None = None


class ProviderToken(msgspec.Struct, frozen=True):
    """A token whose signature is good.

    :param text: as it came, without the scheme.
    :param issued_at: Unix seconds.
    """

    text: bytes
    key_id: str
    team: str
    issued_at: float


class TokenCheck:
    """Checks provider tokens, each signature once.

    :param keys: by key id.
    :param lifetime: seconds.
    """

    def __init__(self, keys: Mapping[str, ProviderKey], lifetime: float = LIFETIME) -> None:
        self._keys, self._lifetime = keys, lifetime
        self._known: dict[bytes, ProviderToken] = {}

    def check(self, authorization: bytes | None, now: float) -> ProviderToken:
        """The token of an ``authorization`` header.

        :param now: Unix seconds.
        :raises Refused: MissingProviderToken, InvalidProviderToken or ExpiredProviderToken.
        """
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise refusal(403, "MissingProviderToken")
        text = authorization[len(_SCHEME) :].strip(b" ")
        token = self._known.get(text)
        if token is None:
            token = self._read(text)
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[text] = token
        if abs(now - token.issued_at) > self._lifetime:
            raise refusal(403, "ExpiredProviderToken")
        return token

    def _read(self, text: bytes) -> ProviderToken:
        """The token, its signature verified; raise `Refused`."""
        if len(text) > _LONGEST:
            raise _invalid()
        try:
            key_id = str(jwt.get_unverified_header(text).get("kid"))
            known = self._keys.get(key_id)
            if known is None:
                raise _invalid()
            claims = jwt.decode(text, known.key, algorithms=["ES256"], options=_UNCHECKED)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise _invalid() from None
        team = claims.get("iss")
        if not isinstance(team, str) or not team or known.team not in {None, team}:
            raise _invalid()
        return ProviderToken(text, key_id, team, _issued_at(claims.get("iat")))


def public_key(pem: bytes) -> EllipticCurvePublicKey:
    """The public key of a PEM file, which may hold the private one, as Apple's ``.p8`` files do.

    :raises ValueError: it holds none on the curve P-256; our words.
    """
    try:
        if b"PRIVATE KEY" in pem:
            private = load_pem_private_key(pem, None)
            key: object = private.public_key() if isinstance(private, EllipticCurvePrivateKey) else None
        else:
            key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("not a key in PEM without a password; must be a P-256 key") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("another kind of key; must be a P-256 key")
    return key


def _issued_at(iat: Any) -> float:
    """Unix seconds, from a number or a string of digits; raise `Refused`."""
    if isinstance(iat, str) and iat.isascii() and iat.isdigit() and len(iat) <= 18:
        return float(iat)
    if isinstance(iat, int | float) and not isinstance(iat, bool) and abs(iat) < 1e18:
        return float(iat)
    raise _invalid()


def _invalid() -> Refused:
    return refusal(403, "InvalidProviderToken")
