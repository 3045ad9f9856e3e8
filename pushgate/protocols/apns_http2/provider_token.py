"""Provider tokens: the JWTs that authenticate requests, and when a new one is made.

Apple's "Establishing a token-based connection to APNs": ES256, ``kid`` in the header, ``iss`` and ``iat`` in
the claims; not older than an hour, and not renewed more often than every 20 minutes on a connection.
"""

import re
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from pushgate.protocols.es256_key import es256_key
from pushgate.protocols.http_push.token_clock import TokenAges

RENEW_AFTER: Final = 50 * 60.0
"""Seconds after which a token is made anew: within Apple's 20 and 60 minutes."""
SHORTEST: Final = 20 * 60.0
"""Seconds between two tokens of a connection at least, or they are TooManyProviderTokenUpdates."""
LONGEST: Final = 59 * 60.0
"""Seconds that a token is kept at most: the service takes none that is older than an hour."""
AGES: Final = TokenAges(renew_after=RENEW_AFTER, shortest=SHORTEST, longest=LONGEST)
is_identifier: Final = re.compile(r"[A-Z0-9]{10}").fullmatch
"""What a key id and a team id look like."""
_IN_NAME: Final = re.compile(r"AuthKey_([A-Z0-9]{10})\.p8").fullmatch


def key_id_in(name: str) -> str | None:
    """The key id in the name that Apple gives a key's file, None when it was renamed."""
    match = _IN_NAME(name)
    return match[1] if match else None


def parse_key(data: bytes) -> EllipticCurvePrivateKey:
    """The private key in a ``.p8`` file; see `es256_key`."""
    return es256_key(data, "take the .p8 file of a key for APNs as Apple gave it")


def signed(key: EllipticCurvePrivateKey, key_id: str, team_id: str, issued_at: int) -> str:
    """A provider token: header and claims are those that Apple names, and no others.

    :param issued_at: Unix seconds.
    """
    claims: dict[str, Any] = {"iss": team_id, "iat": issued_at}
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": key_id, "typ": None})
