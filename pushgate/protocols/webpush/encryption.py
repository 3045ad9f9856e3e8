"""Messages encrypted for one browser: the content coding ``aes128gcm`` with the keys of RFC 8291.

The body is RFC 8188's: 16 bytes of salt, four of the size of records, one of the length of the sender's key,
the key, and one record: the message, a delimiter, and 16 bytes that authenticate.
"""

from hmac import digest
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_PLAINTEXT: Final = 3993
"""Bytes of a message at most: every service takes bodies of 4096 (RFC 8030 7.2), of which 103 are these."""
SALT: Final = 16
"""Bytes of a salt."""
_CURVE: Final = SECP256R1()
_ECDH: Final = ECDH()
_RECORDS: Final = (4096).to_bytes(4, "big") + b"\x41"
"""The size of records, and the length of the key."""
_LAST: Final = b"\x02"
"""The delimiter of the last record."""


def encrypt(
    plaintext: bytes, receiver: bytes, auth: bytes, key: EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """The body that carries a message.

    :param receiver: the browser's public key, a point on P-256; see `is_point`.
    :param auth: the secret of the subscription.
    :param key: on P-256, of this message alone.
    :param salt: 16 random bytes, of this message alone.
    """
    shared = key.exchange(_ECDH, EllipticCurvePublicKey.from_encoded_point(_CURVE, receiver))
    sender = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    # HKDF (RFC 5869) is two HMACs where what is wanted is no longer than a digest.
    material = _expand(digest(auth, shared, "sha256"), b"WebPush: info\0" + receiver + sender)
    secret = digest(salt, material, "sha256")
    cipher = AESGCM(_expand(secret, b"Content-Encoding: aes128gcm\0")[:16])
    nonce = _expand(secret, b"Content-Encoding: nonce\0")[:12]
    return b"".join((salt, _RECORDS, sender, cipher.encrypt(nonce, plaintext + _LAST, None)))


def _expand(secret: bytes, info: bytes) -> bytes:
    return digest(secret, info + b"\x01", "sha256")
