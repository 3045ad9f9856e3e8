"""The encryption of Web Push (RFC 8188, 8291), as a browser undoes it."""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import ECDH, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pushgate.simulator.services.vapid import public_point

_TAG: Final = 16
_HEAD: Final = 21
_POINT: Final = 65
_LEAST_RECORD: Final = 18


class Undecipherable(Exception):
    """The text says why."""


def decrypt(body: bytes, private: EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """The plaintext of a message; raise `Undecipherable`."""
    if len(body) < _HEAD + _POINT or body[20] != _POINT:
        raise Undecipherable("the header has no sender's key")
    salt, size, sender = body[:16], int.from_bytes(body[16:20], "big"), body[_HEAD : _HEAD + _POINT]
    records = body[_HEAD + _POINT :]
    if size < _LEAST_RECORD or not records:
        raise Undecipherable("the record size is below 18, or there is no record")
    key, nonce = _keys(sender, private, auth, salt)
    plain = []
    for number, start in enumerate(range(0, len(records), size)):
        record = records[start : start + size]
        plain.append(_open(record, key, nonce, number, start + size >= len(records)))
    return b"".join(plain)


def _keys(sender: bytes, private: EllipticCurvePrivateKey, auth: bytes, salt: bytes) -> tuple[AESGCM, int]:
    """The key and the nonce of the first record."""
    try:
        shared = private.exchange(ECDH(), public_point(sender))
    except ValueError:
        raise Undecipherable("the sender's key is none") from None
    own = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secret = _derive(auth, shared, b"WebPush: info\0" + own + sender, 32)
    key = _derive(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, secret, b"Content-Encoding: nonce\0", 12)
    return AESGCM(key), int.from_bytes(nonce, "big")


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def _open(record: bytes, key: AESGCM, nonce: int, number: int, last: bool) -> bytes:
    """The content of one record, without its padding."""
    try:
        padded = key.decrypt((nonce ^ number).to_bytes(12, "big"), record, None)
    except (InvalidTag, ValueError):
        raise Undecipherable("a record cannot be decrypted") from None
    content = padded.rstrip(b"\0")
    if content[-1:] != (b"\2" if last else b"\1"):
        raise Undecipherable("a record has no delimiter, or the wrong one")
    return content[:-1]
