"""VAPID: the key by which push services know an application, and the tokens that it signs (RFC 8292).

ES256; ``aud`` is the service's origin, ``exp`` a day ahead at most, ``sub`` how the operator can be reached.
The key is the one that subscriptions were made for, their ``applicationServerKey``.
"""

import re
from base64 import urlsafe_b64encode
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pushgate.protocols.es256_key import es256_key
from pushgate.protocols.http_push.origin import Origin

LIFETIME: Final = 12 * 3600
"""Seconds that a token is good for: half of what is allowed, so that clocks may differ by as much."""
RENEW_AFTER: Final = LIFETIME / 2
"""Seconds after which a token is made anew."""
_is_subject: Final = re.compile(r"(?:mailto:[!-~]+@[!-~]+|https://[!-~]+)").fullmatch


def parse_key(data: bytes) -> EllipticCurvePrivateKey:
    """The private key in a file; see `es256_key`."""
    return es256_key(data, "make one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256")


def check_subject(text: str) -> str:
    """How the operator can be reached; raise ValueError for what is neither ``mailto:`` nor ``https:``.

    Services refuse others.
    """
    if not _is_subject(text):
        raise ValueError("must be mailto:ADDRESS or https://ADDRESS, where the push services can reach you")
    return text


def public_text(key: EllipticCurvePrivateKey) -> str:
    """The public key in base64url, as web pages give it for ``applicationServerKey``."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode()


def signed(key: EllipticCurvePrivateKey, subject: str, origin: Origin, issued_at: int) -> str:
    """A token for one push service.

    :param issued_at: Unix seconds.
    """
    claims: dict[str, Any] = {"aud": str(origin), "exp": issued_at + LIFETIME, "sub": subject}
    return jwt.encode(claims, key, algorithm="ES256")


class VapidClock:
    """The tokens for one push service, each for half of its life.

    :param subject: as `check_subject` takes it.
    :ivar serial: counts the tokens.
    """

    def __init__(self, key: EllipticCurvePrivateKey, subject: str, origin: Origin) -> None:
        self._key, self._subject, self._origin = key, subject, origin
        self._public = public_text(key)
        self._issued_at = float("-inf")
        self._header = b""
        self.serial = 0

    def authorization(self, wall: float) -> bytes:
        """The value of the header at `wall`, Unix seconds; made anew when it is time.

        Also when the clock was set back: the token might be good for longer than is allowed.
        """
        if not 0 <= wall - self._issued_at < RENEW_AFTER:
            self._issued_at = wall
            token = signed(self._key, self._subject, self._origin, int(wall))
            self._header = f"vapid t={token}, k={self._public}".encode()
            self.serial += 1
        return self._header
