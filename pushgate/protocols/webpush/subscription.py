"""Subscriptions: the targets of Web Push, as a browser's ``PushSubscription.toJSON()`` writes them.

``{"endpoint": "https://…", "keys": {"p256dh": "…", "auth": "…"}}``, from the W3C's "Push API" and RFC 8291 2
and 3.1. Other fields are read over. The same subscription can be written in many ways, and has one form here
that stands for all of them: a target is its bytes wherever it is compared.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.webpush.origin import parse_origin

PUBLIC: Final = 65
"""Bytes of a public key: a point on P-256, uncompressed."""
AUTH: Final = 16
"""Bytes of the secret that authenticates."""
_PATH: Final = r"[!$-;=?-\[\]-_a-~]*"
"""What addresses have as ``%…`` only is not in it, nor a fragment, which is never sent."""
_split: Final = re.compile(rf"https://([^/?]+)([/?]{_PATH})?", re.IGNORECASE).fullmatch
_in_parts: Final = re.compile(
    rf'{{"endpoint":"https://([a-z0-9._:\[\]-]+)(/{_PATH})","keys":'
    r'{"p256dh":"([A-Za-z0-9_-]{86}[AEIMQUYcgkosw048])","auth":"([A-Za-z0-9_-]{21}[AQgw])"}}'.encode()
).fullmatch
"""The one form, but for what `parse_origin` says of the host. The last characters leave no bit unused."""
_is_public: Final = re.compile(r"[A-Za-z0-9_-]{87}=?").fullmatch
_is_auth: Final = re.compile(r"[A-Za-z0-9_-]{22}(?:==)?").fullmatch
_RULE: Final = '{"endpoint", "keys": {"p256dh", "auth"}} as the browser gave it'
_KEY_RULE: Final = "a point on P-256, uncompressed, in base64url"
_P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""P-256: y² = x³ - 3x + b modulo p (FIPS 186-4, D.1.2.3)."""


class Subscription(msgspec.Struct, frozen=True):
    """Where one browser gets its notifications, and how they are encrypted for it.

    :param path: with the query, as it is requested.
    :param public: the browser's key, 65 bytes.
    :param auth: the secret that it shares with the application, 16 bytes.
    """

    origin: Origin
    path: bytes
    public: bytes
    auth: bytes


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Target(msgspec.Struct):
    endpoint: str
    keys: _Keys


_decode: Final = msgspec.json.Decoder(_Target).decode


def parse(target: bytes) -> Subscription:
    """The subscription that a target stands for; raise `Invalid`, naming ``token``, when there is none.

    Whether its key is a point of the curve is for `check_target` to say.
    """
    match = _in_parts(target)
    origin = None if match is None else _known_origin(match[1].decode())
    if match is None or origin is None:
        return _parsed(target)
    public, auth = urlsafe_b64decode(match[3] + b"="), urlsafe_b64decode(match[4] + b"==")
    return Subscription(origin, match[2], public, auth)


def _parsed(target: bytes) -> Subscription:
    """The same of one in any form."""
    try:
        found = _decode(target)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("token", "no subscription in JSON", _RULE) from None
    origin, path = _endpoint(found.endpoint)
    public = _decoded(found.keys.p256dh, _is_public)
    if public is None:
        raise Invalid("token", "p256dh is no key", _KEY_RULE)
    auth = _decoded(found.keys.auth, _is_auth)
    if auth is None:
        raise Invalid("token", "auth is no secret", f"{AUTH} bytes in base64url")
    return Subscription(origin, path, public, auth)


def check_target(target: bytes) -> None:
    """Raise `Invalid` for what is no subscription."""
    if not is_point(parse(target).public):
        raise Invalid("token", "p256dh is no key", _KEY_RULE)


def origin_of(target: bytes) -> Origin:
    """The origin of a subscription; raise `Invalid` as `parse` does."""
    match = _in_parts(target)
    origin = None if match is None else _known_origin(match[1].decode())
    return _parsed(target).origin if origin is None else origin


def canonical(target: bytes) -> bytes:
    """The one form that stands for all in which a subscription can be written; what is none as it is."""
    match = _in_parts(target)
    if (
        match is not None
        and (origin := _known_origin(match[1].decode()))
        and origin.authority.encode() == match[1]
    ):
        return target
    try:
        found = _parsed(target)
    except Invalid:
        return target
    return written(found) if is_point(found.public) else target


def written(subscription: Subscription) -> bytes:
    """A subscription in that form."""
    public, auth = (urlsafe_b64encode(each).rstrip(b"=") for each in (subscription.public, subscription.auth))
    return b'{"endpoint":"%b%b","keys":{"p256dh":"%b","auth":"%b"}}' % (
        str(subscription.origin).encode(), subscription.path, public, auth,
    )  # fmt: skip


@lru_cache(maxsize=1024)  # asked again when the form is checked
def is_point(encoded: bytes) -> bool:
    """Whether bytes are a point on P-256, uncompressed. That is all that makes a public key valid."""
    if len(encoded) != PUBLIC or encoded[0] != 4:
        return False
    x, y = int.from_bytes(encoded[1:33], "big"), int.from_bytes(encoded[33:], "big")
    return x < _P and y < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0


@lru_cache(maxsize=256)
def _known_origin(authority: str) -> Origin | None:
    """`parse_origin`; there are few push services, and many subscriptions of each."""
    return parse_origin(authority)


def _endpoint(address: str) -> tuple[Origin, bytes]:
    match = _split(address)
    origin = _known_origin(match[1]) if match else None
    if match is None or origin is None:
        raise Invalid("token", "endpoint is no address", "https://HOST/PATH without user and fragment")
    path = match[2] or "/"
    return origin, (path if path.startswith("/") else f"/{path}").encode()


def _decoded(text: str, is_right: Callable[[str], object]) -> bytes | None:
    """Bytes from base64url, or from the standard alphabet, with or without padding."""
    text = text.replace("+", "-").replace("/", "_")
    return urlsafe_b64decode(text.rstrip("=") + "==") if is_right(text) else None
