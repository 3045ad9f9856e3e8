"""The signature of a webhook: made by the sink, checked by the receiver.

``v1`` is HMAC-SHA256 over the timestamp in ASCII, a full stop, and the body as it came.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

TIMESTAMP: Final = "X-Pushgate-Timestamp"
"""The header with the time of signing in Unix seconds."""
SIGNATURE: Final = "X-Pushgate-Signature"
"""The header with the signatures, one for each secret, separated by commas."""
TOLERANCE: Final = 300
"""Seconds that the clocks of both sides may differ, the way included."""


def sign(secrets: Iterable[bytes], timestamp: int, body: bytes) -> str:
    """The value of the header `SIGNATURE`.

    :param timestamp: Unix seconds: the value of the header `TIMESTAMP`.
    """
    return ",".join(f"v1={_digest(secret, str(timestamp), body)}" for secret in secrets)


def verify(
    secret: bytes, timestamp: str, signature: str, body: bytes, now: float, tolerance: float = TOLERANCE
) -> bool:
    """Return True if a request was signed with `secret`, and is not an old one sent again.

    :param timestamp: the header `TIMESTAMP`, as it came.
    :param signature: the header `SIGNATURE`, as it came.
    :param now: Unix seconds.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > tolerance:
        return False
    right = f"v1={_digest(secret, timestamp, body)}".encode()
    given = [each.strip().encode(errors="replace") for each in signature.split(",")]
    # All are compared, so that the time taken says nothing.
    matches = [hmac.compare_digest(right, each) for each in given]
    return any(matches)


def _digest(secret: bytes, timestamp: str, body: bytes) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
