"""Provider tokens: the JWTs that authenticate requests, and when a new one is made.

Apple's "Establishing a token-based connection to APNs": ES256, ``kid`` in the header, ``iss`` and ``iat`` in
the claims; not older than an hour, and not renewed more often than every 20 minutes on a connection.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from pushgate.protocols.es256_key import es256_key

RENEW_AFTER: Final = 50 * 60.0
"""Seconds after which a token is made anew: within Apple's 20 and 60 minutes."""
SHORTEST: Final = 20 * 60.0
"""Seconds between two tokens of a connection at least, or they are TooManyProviderTokenUpdates."""
LONGEST: Final = 59 * 60.0
"""Seconds that a token is kept at most: the service takes none that is older than an hour."""
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


class TokenClock:
    """The provider token of a credential, which all its connections share.

    :param sign: makes a token that is issued at a time, Unix seconds.
    :ivar serial: counts the tokens.
    :ivar _renewed_early: a token was, and none was accepted since.
    :ivar _early: the serial of the last such token.
    """

    def __init__(self, sign: Callable[[int], str]) -> None:
        self._sign = sign
        self._issued_at = float("-inf")
        self._renewed_early = False
        self._early = 0
        self._keep_until = float("-inf")
        self._header = b""
        self.serial = 0

    def authorization(self, wall: float) -> bytes:
        """The value of the header at `wall`, Unix seconds; made anew when it is time."""
        age = wall - self._issued_at
        is_due = age >= (RENEW_AFTER if wall >= self._keep_until else LONGEST)
        if is_due or age < -SHORTEST:  # the clock was set back
            self._renew(wall)
        return self._header

    def expired(self, serial: int, wall: float) -> bool:
        """The service calls the token of this serial too old.

        Make another, once, however young it is. Returns False when the service said so of that one, too, even
        if another server took it: then a clock is wrong, ours or the service's.
        """
        if serial != self.serial:
            return True
        if wall - self._issued_at < SHORTEST:
            if self._renewed_early or serial == self._early:
                return False
            self._renewed_early, self._early = True, serial + 1
        self._renew(wall)
        return True

    def accepted(self) -> None:
        """A request with the token was answered as valid."""
        self._renewed_early = False

    def renewed_too_often(self, wall: float) -> None:
        """The service has seen too many tokens: keep this one for a while, as long as it is good."""
        self._keep_until = wall + SHORTEST

    def _renew(self, wall: float) -> None:
        self._issued_at = wall
        self._header = b"bearer " + self._sign(int(wall)).encode()
        self.serial += 1
