"""What is sent: a native notification, or one by a template, becomes a payload and `Terms`. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from pushgate.hub.templates.rendering import RenderedTemplate
from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.notification import Priority, Terms, parse_priority
from pushgate.protocols.baidu.rules import PUSH_TYPES as BAIDU_TYPES
from pushgate.protocols.wns.requests import HEADERS as WNS_HEADERS

Headers = Mapping[str, str]
"""Headers of a request or of a template, by name in lower case."""
_number: Final = re.compile(r"[0-9]{1,10}").fullmatch
_WNS_TYPES: Final = {f"wns/{kind}": kind for kind in ("toast", "tile", "badge", "raw")}
_MPNS_TYPES: Final = {"toast": "toast", "token": "tile", "tile": "tile", "": "raw", "raw": "raw"}
_MPNS_DELAYS: Final = {0: Priority.URGENT, 1: Priority.BULK, 2: Priority.LOW}
"""By the tens of ``X-NotificationClass``: at once, within 450 and within 900 seconds."""
_read_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_value: Final = msgspec.json.Decoder(Any).decode


def native_payload(platform: Platform, body: bytes) -> bytes:
    """The payload of a native notification.

    :raises Invalid: it is none of the platform's.
    """
    return gcm_message(body) if platform is Platform.GCM else body


def native_terms(platform: Platform, headers: Headers, started_at: float) -> Terms:
    """The terms of a notification by its headers; those that no push service takes from here are ignored.

    :param started_at: Unix seconds from which a time to live counts.
    :raises Invalid: a header's value is none.
    """
    make = _TERMS.get(platform)
    return Terms() if make is None else make(headers, started_at)


def template_terms(platform: Platform, rendered: RenderedTemplate, started_at: float) -> Terms:
    """The terms of a notification by a template.

    :raises Invalid: a header's value is none.
    """
    headers = dict(rendered.headers)
    if rendered.priority:
        headers.setdefault("apns-priority", rendered.priority)
    terms = native_terms(platform, headers, started_at)
    if rendered.expiry is None or terms.expiration is not None:
        return terms
    return msgspec.structs.replace(terms, expiration=rendered.expiry)


def gcm_message(body: bytes) -> bytes:
    """The message of FCM that a notification of its predecessor says.

    ``data`` and ``notification`` stay, ``collapse_key``, ``time_to_live`` and ``priority`` get their new
    places, and numbers in ``data`` become texts. A message of FCM itself is left as it is.

    :raises Invalid: the body is no JSON object.
    """
    try:
        found = _read_object(body)
        if "message" in found or "android" in found:
            return body
        message: dict[str, Any] = {
            name: _read_value(found[name]) for name in ("data", "notification") if name in found
        }
        android = _android(found)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("body", f"{len(body)} bytes", "a JSON object of GCM") from None
    data: Any = message.get("data")
    if isinstance(data, dict):
        message["data"] = {name: _as_text(value) for name, value in data.items()}
    return msgspec.json.encode(message | ({"android": android} if android else {}))


def _android(found: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    android: dict[str, Any] = {}
    if "collapse_key" in found:
        android["collapse_key"] = _read_value(found["collapse_key"])
    if "time_to_live" in found:
        android["ttl"] = f"{_as_text(_read_value(found['time_to_live']))}s"
    if "priority" in found:
        android["priority"] = "HIGH" if bytes(found["priority"]) == b'"high"' else "NORMAL"
    return android


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _apns(headers: Headers, _: float) -> Terms:
    priority = _whole(headers, "apns-priority")
    return Terms(
        push_type=headers.get("apns-push-type") or None,
        topic=headers.get("apns-topic") or None,
        collapse_id=headers.get("apns-collapse-id") or None,
        priority=_priority("apns-priority", priority),
        expiration=_whole(headers, "apns-expiration"),
    )


def _wns(headers: Headers, started_at: float) -> Terms:
    ttl, kind = _whole(headers, "x-wns-ttl"), headers.get("x-wns-type", "").lower()
    if kind and kind not in _WNS_TYPES:
        raise Invalid("X-WNS-Type", f"text of {len(kind)} characters", f"one of {', '.join(_WNS_TYPES)}")
    return Terms(
        push_type=_WNS_TYPES.get(kind),
        collapse_id=headers.get("x-wns-tag") or None,
        expiration=None if ttl is None else int(started_at) + ttl,
        headers=tuple((name, headers[name]) for name in sorted(WNS_HEADERS) if headers.get(name)),
    )


def _mpns(headers: Headers, _: float) -> Terms:
    target, number = headers.get("x-windowsphone-target"), _whole(headers, "x-notificationclass")
    if target is not None and target.lower() not in _MPNS_TYPES:
        raise Invalid("X-WindowsPhone-Target", f"text of {len(target)} characters", "toast or token")
    tens, kind = divmod(number or 0, 10)
    if number is not None and (tens not in _MPNS_DELAYS or kind not in {1, 2, 3}):
        raise Invalid("X-NotificationClass", "a number", "1 to 3, 11 to 13 or 21 to 23")
    return Terms(
        push_type=None if target is None else _MPNS_TYPES[target.lower()],
        priority=None if number is None else _MPNS_DELAYS[tens],
    )


def _baidu(headers: Headers, _: float) -> Terms:
    number = _whole(headers, "x-baidu-message-type")
    kinds = {value: kind for kind, value in BAIDU_TYPES.items()}
    if number is not None and number not in kinds:
        raise Invalid("X-Baidu-Message-Type", "a number", "0 for a message, 1 for a notification")
    return Terms(push_type=None if number is None else kinds[number])


def _whole(headers: Headers, name: str) -> int | None:
    """The whole number that a header has; None when it is not there, or empty."""
    text = headers.get(name, "").strip()
    if not text:
        return None
    if not _number(text):
        raise Invalid(name, f"text of {len(text)} characters", "a whole number of up to 10 digits")
    return int(text)


def _priority(name: str, number: int | None) -> Priority | None:
    try:
        return parse_priority(number)
    except Invalid as error:
        raise Invalid(name, error.shape, error.rule) from None


_TERMS: Final[dict[Platform, Callable[[Headers, float], Terms]]] = {
    Platform.APNS: _apns,
    Platform.WNS: _wns,
    Platform.MPNS: _mpns,
    Platform.BAIDU: _baidu,
}
"""By the platforms that have headers."""
