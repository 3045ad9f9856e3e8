"""Browsers: subscriptions and the keys behind them."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUTH = bytes(range(16))
ENDPOINT = "https://updates.push.example.net/wpush/v2/gAAAAAB?x=1"


def text(data):
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def data(text):
    """The bytes of it."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key(number):
    """A private key on P-256."""
    return derive_private_key(number, SECP256R1())


def point(private):
    """The public key of a private one, uncompressed."""
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


KEY = key(0xB0B)


def subscription(endpoint=ENDPOINT, public=None, auth=None, **more):
    """A subscription as a browser writes it."""
    keys = {
        "auth": text(AUTH) if auth is None else auth,
        "p256dh": text(point(KEY)) if public is None else public,
    }
    return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": keys, **more}).encode()
