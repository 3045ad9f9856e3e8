"""The subscriptions of Web Push that the simulator has handed out, as browsers make them."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pushgate.model.errors import Invalid
from pushgate.simulator.services.vapid import public_point

PATH: Final = "/wpush/"
_MOST: Final = 100_000


class SubscriptionRequest(msgspec.Struct, forbid_unknown_fields=True, rename={"key": "applicationServerKey"}):
    """What is asked for.

    :param prefix: of the ids, so that rules can tell them apart.
    :param key: the only one that may push, in base64url; none: the first that does.
    """

    count: int = 1
    prefix: str = ""
    key: str | None = None


class Subscription(msgspec.Struct):
    """One browser's.

    :ivar key: of VAPID, as a point; None before the first push.
    """

    private: EllipticCurvePrivateKey
    auth: bytes
    key: bytes | None


class Subscriptions:
    """All subscriptions, by the last part of their endpoint."""

    def __init__(self) -> None:
        self._of: dict[str, Subscription] = {}

    def __getitem__(self, name: str) -> Subscription | None:
        return self._of.get(name)

    def make(self, wanted: SubscriptionRequest, url: str) -> list[dict[str, Any]]:
        """New subscriptions, as a browser gives them to its web page.

        :param url: of the services.
        :raises Invalid: they cannot be had.
        """
        if not 1 <= wanted.count <= _MOST - len(self._of):
            raise Invalid("count", str(wanted.count), f"1 to {_MOST} in all")
        if not wanted.prefix.replace("-", "").replace("_", "").isalnum() and wanted.prefix:
            raise Invalid("prefix", f"{len(wanted.prefix)} characters", "letters, digits, - and _")
        key = None if wanted.key is None else _point(wanted.key)
        return [self._make(wanted.prefix, key, url) for _ in range(wanted.count)]

    def _make(self, prefix: str, key: bytes | None, url: str) -> dict[str, Any]:
        name = f"{prefix}{uuid4().hex}"
        private, auth = generate_private_key(SECP256R1()), os.urandom(16)
        self._of[name] = Subscription(private, auth, key)
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": unpadded(public), "auth": unpadded(auth)}
        return {"endpoint": f"{url}{PATH}{name}", "expirationTime": None, "keys": keys}


def unpadded(data: bytes) -> str:
    """Bytes in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _point(text: str) -> bytes:
    """A key of VAPID; raise `Invalid`."""
    try:
        point = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        public_point(point)
    except ValueError:
        raise Invalid("applicationServerKey", f"{len(text)} characters", "a P-256 key in base64url") from None
    return point
