"""VAPID (RFC 8292), as a push service checks it: who pushes, proved by a signed token."""

import re
from base64 import urlsafe_b64decode
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from pushgate.simulator.services.service_account import UNCHECKED

_HEADER: Final = re.compile(r"(?i)vapid\s+(.+)")
_PARAMETER: Final = re.compile(r'\s*([tk])\s*=\s*"?([A-Za-z0-9._=-]+)"?\s*')
_LONGEST: Final = 24 * 3600
_SUBJECTS: Final = ("mailto:", "https:")


class BadVapid(Exception):
    """The header is not good; the text says why."""


def check_vapid(header: str | None, origin: str, now: float) -> bytes:
    """The key, as a point, that an ``Authorization`` header proves.

    :param origin: of the endpoint: scheme, host, and the port unless it is the usual one.
    :raises BadVapid: it proves none.
    """
    token, key = _parts(header or "")
    try:
        point = urlsafe_b64decode(key + "=" * (-len(key) % 4))
        claims = jwt.decode(token, public_point(point), ["ES256"], options=UNCHECKED)
    except (ValueError, jwt.PyJWTError):
        raise BadVapid("the token is not signed by the key, or either is none") from None
    _check_claims(claims, origin, now)
    return point


def public_point(point: bytes) -> EllipticCurvePublicKey:
    """A public key from its uncompressed point; raise `ValueError`."""
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)


def _parts(header: str) -> tuple[str, str]:
    """Token and key of a header; raise `BadVapid`."""
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        raise BadVapid("the scheme vapid is required")
    given = map(_PARAMETER.fullmatch, found[1].split(","))
    parts = {each[1]: each[2] for each in given if each is not None}
    if parts.keys() != {"t", "k"}:
        raise BadVapid("t and k are required")
    return parts["t"], parts["k"]


def _check_claims(claims: dict[str, Any], origin: str, now: float) -> None:
    expires, subject = claims.get("exp"), claims.get("sub")
    if claims.get("aud") != origin:
        raise BadVapid(f"aud must be {origin}")
    if not isinstance(expires, int | float) or expires <= now:
        raise BadVapid("exp is missing or past")
    if expires > now + _LONGEST:
        raise BadVapid("exp is more than 24 hours ahead")
    if not isinstance(subject, str) or not subject.startswith(_SUBJECTS):
        raise BadVapid("sub must be a mailto: or https: URL")
