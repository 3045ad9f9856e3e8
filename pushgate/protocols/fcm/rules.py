"""What may be submitted for an app on Firebase Cloud Messaging.

From Google's reference of ``projects.messages``. Fields that are not known here pass: Google adds some, and
answers for those that it does not know. Of the keys that are reserved in ``data`` those are refused that
both of Google's pages name; the older page has ``notification`` and all of ``google…`` and ``gcm…`` besides,
which the service may refuse.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.notification import Terms
from pushgate.model.notification_rules import NotificationRules, check_json_object
from pushgate.protocols.fcm.target import Kind, check_target
from pushgate.protocols.http_push.ttl import FOUR_WEEKS

MAX_DATA: Final = 4096
"""Bytes of ``data`` at most, keys and values. To topics it is half, which the service itself sees to."""
MAX_MESSAGE: Final = 4 * MAX_DATA
"""Bytes of a message's JSON at most: it may have ``data`` or a notification for each platform."""
_is_reserved: Final = re.compile(r"from|message_type|google\..*|gcm\.notification\..*", re.DOTALL).fullmatch
_TTL: Final = r"^[0-9]{1,9}(\.[0-9]{1,9})?s$"
_WHOLE: Final = frozenset({"message", "validate_only", "validateOnly"})
_Texts = dict[str, str]


class _Android(msgspec.Struct):
    ttl: Annotated[str, Meta(pattern=_TTL)] | None = None
    data: _Texts | None = None


class _WebPush(msgspec.Struct):
    headers: _Texts | None = None
    data: _Texts | None = None


class _Apns(msgspec.Struct):
    headers: _Texts | None = None
    payload: dict[str, Raw] | None = None


class _Message(msgspec.Struct):
    data: _Texts | None = None
    notification: dict[str, Raw] | None = None
    android: _Android | None = None
    webpush: _WebPush | None = None
    apns: _Apns | None = None
    token: Raw | UnsetType = UNSET
    fid: Raw | UnsetType = UNSET
    topic: Raw | UnsetType = UNSET
    condition: Raw | UnsetType = UNSET


class _Payload(_Message):
    message: Raw | UnsetType = UNSET


_decode_payload: Final = msgspec.json.Decoder(_Payload).decode
_decode_message: Final = msgspec.json.Decoder(_Message).decode
_decode_names: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def check_payload(payload: bytes) -> None:
    """Raise `Invalid` or `TooLarge` for what can be no message."""
    check_json_object(payload)
    try:
        message: _Message = _decode_payload(payload)
        if isinstance(message, _Payload) and message.message is not UNSET:
            _check_whole(_decode_names(payload).keys())
            message = _decode_message(message.message)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("payload", f"no message of FCM ({error})", "as FCM's Message, without target") from None
    _check_message(message)


def check_combination(terms: Terms, _payload: bytes) -> None:
    """Raise `Invalid` for terms that mean nothing to FCM."""
    if terms.topic is not None:
        raise Invalid("topic", "given", "a topic of FCM is a target, topic:NAME; Apple's is in apns.headers")
    if terms.push_type is not None:
        raise Invalid("push_type", "given", "FCM has none; Apple's is in apns.headers of the payload")


def _check_whole(names: AbstractSet[str]) -> None:
    """Check the fields beside ``message``: they would be lost."""
    if not names <= _WHOLE:
        raise Invalid("payload", "fields beside message", 'either a message or {"message": {...}}')


def _check_message(message: _Message) -> None:
    given = [kind for kind in Kind if getattr(message, kind) is not UNSET]
    if given:
        raise Invalid("payload", f"{given[0]} in it", "a message without target; that is the token's place")
    android, webpush = message.android or _Android(), message.webpush or _WebPush()
    for data in filter(None, (message.data, android.data, webpush.data)):
        _check_data(data)
    if android.ttl is not None and float(android.ttl[:-1]) > FOUR_WEEKS:
        raise Invalid("payload", "android.ttl of more than four weeks", f"0s to {FOUR_WEEKS}s")


def _check_data(data: dict[str, str]) -> None:
    if any(map(_is_reserved, data)):
        rule = "from, message_type, google.… and gcm.notification.… are Google's own"
        raise Invalid("payload", "a reserved key in data", rule)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in data.items())
    if size > MAX_DATA:
        raise TooLarge("payload.data", size, MAX_DATA)


FCM_RULES: Final = NotificationRules(
    max_payload=MAX_MESSAGE,
    check_target=check_target,
    check_payload=check_payload,
    check_combination=check_combination,
)
"""What may be submitted. An app's own `max_payload` should be 4096 by default, `MAX_MESSAGE` at most."""
