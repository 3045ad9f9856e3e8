"""Handles: what a push service knows a device by, as texts on a hub's wire and as the targets of apps."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.protocols.notification_hubs.platforms import BROWSER_FIELDS, KINDS
from pushgate.protocols.webpush.subscription import canonical
from pushgate.protocols.webpush.subscription import check_target as check_subscription

MAX_HANDLE: Final = 4096
"""Bytes of a handle at most."""
BAIDU_USER: Final = "BaiduUserId"
_is_hex: Final = re.compile("(?:[0-9a-fA-F]{2})+").fullmatch
_HEX_RULE: Final = "an even number of hex digits"
_is_word: Final = re.compile("[!-~]+").fullmatch
_WORD_RULE: Final = "printable ASCII without blanks: a handle as the device got it"
_BROWSER_RULE: Final = "endpoint, p256dh and auth of the browser's subscription"


def read_handle(platform: Platform, text: str, field: str) -> bytes:
    """A handle from its text; not for browsers.

    :param field: its name, for the error.
    :raises Invalid: it is none.
    """
    is_hex = platform is Platform.APNS
    if not text or len(text) > MAX_HANDLE * (2 if is_hex else 1):
        raise Invalid(field, f"text of {len(text)} characters", f"1 to {MAX_HANDLE} bytes")
    if is_hex:
        if not _is_hex(text):
            raise Invalid(field, f"text of {len(text)} characters", _HEX_RULE)
        return bytes.fromhex(text)
    if not _is_word(text):
        raise Invalid(field, "text with blanks or other characters", _WORD_RULE)
    return text.encode()


def browser_handle(endpoint: str, p256dh: str, auth: str, field: str) -> bytes:
    """The handle of a browser's subscription.

    :raises Invalid: it is none.
    """
    keys = {"p256dh": p256dh.strip(), "auth": auth.strip()}
    target = msgspec.json.encode({"endpoint": endpoint.strip(), "keys": keys})
    try:
        check_subscription(target)
    except Invalid as error:
        raise Invalid(field, error.shape, error.rule) from None
    return canonical(target)


def read_fields(platform: Platform, fields: Mapping[str, str]) -> bytes:
    """A handle from the elements of a registration.

    :raises Invalid: one is missing, or they make no handle.
    """
    names = KINDS[platform].handle
    for name in names:
        if name not in fields and name != BAIDU_USER:
            raise Invalid(name, "missing", "it is required")
    if platform is Platform.BROWSER:
        endpoint, p256dh, auth = (fields[name] for name in BROWSER_FIELDS)
        return browser_handle(endpoint, p256dh, auth, "Endpoint")
    return read_handle(platform, fields[names[-1]].strip(), names[-1])  # XML may be indented


def write_fields(platform: Platform, handle: bytes, properties: Mapping[str, str]) -> dict[str, str]:
    """The elements of a handle in a registration, in their order."""
    names = KINDS[platform].handle
    if platform is Platform.BROWSER:
        found = msgspec.json.decode(handle)
        texts = (found["endpoint"], found["keys"]["p256dh"], found["keys"]["auth"])
        return dict(zip(names, texts, strict=True))
    fields = {names[-1]: write_handle(platform, handle)}
    if platform is Platform.BAIDU:
        fields = {BAIDU_USER: properties.get(BAIDU_USER, "")} | fields
    return fields


def write_handle(platform: Platform, handle: bytes) -> str:
    """A handle as text; Apple's in capitals, as hubs have them."""
    return handle.hex().upper() if platform is Platform.APNS else handle.decode(errors="replace")


def read_channel(platform: Platform, channel: Any) -> bytes:
    """A handle from the push channel of an installation: text; a browser's is an object, or its JSON.

    :raises Invalid: it is none.
    """
    if platform is Platform.BROWSER:
        return _read_subscription(channel)
    if not isinstance(channel, str):
        raise Invalid("pushChannel", "no text", "the handle as the device got it")
    if platform is Platform.BAIDU:
        channel = channel.rpartition("-")[2]  # a user id may stand before it, which is not sent to
    return read_handle(platform, channel.strip(), "pushChannel")


def _read_subscription(channel: Any) -> bytes:
    if isinstance(channel, str):
        try:
            channel = msgspec.json.decode(channel)
        except (msgspec.DecodeError, RecursionError):
            raise Invalid("pushChannel", "text that is no JSON", _BROWSER_RULE) from None
    found = channel if isinstance(channel, dict) else {}
    keys = found["keys"] if isinstance(found.get("keys"), dict) else found
    texts = (found.get("endpoint"), keys.get("p256dh"), keys.get("auth"))
    if not all(isinstance(text, str) for text in texts):
        raise Invalid("pushChannel", "a part is missing, or no text", _BROWSER_RULE)
    endpoint, p256dh, auth = (str(text) for text in texts)
    return browser_handle(endpoint, p256dh, auth, "pushChannel")
