"""A message to FCM, checked as "REST Resource: projects.messages" has it."""

import re
from typing import Any, Final

TARGETS: Final = ("token", "fid", "topic", "condition")
_FIELDS: Final = frozenset(
    {"name", "data", "notification", "android", "webpush", "apns", "fcm_options", "fcmOptions", *TARGETS}
)
_LARGEST: Final = 4096
_LARGEST_OF_TOPICS: Final = 2048
_LONGEST_TTL: Final = 2_419_200
"""Seconds: four weeks."""
_DURATION: Final = re.compile(r"(\d{1,12})(\.\d{1,9})?s")
_TOPIC: Final = re.compile(r"(/topics/)?[a-zA-Z0-9-_.~%]{1,900}")
_RESERVED: Final = re.compile(r"(?i)from|message_type|notification|(google|gcm).*")
_PRIORITIES: Final = frozenset({"normal", "high", "NORMAL", "HIGH"})


class FieldFault(Exception):
    """A field of a request is wrong.

    :ivar field: its path.
    :ivar text: Google's words.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(field, text)
        self.field, self.text = field, text


def check_message(body: Any) -> tuple[dict[str, Any], bool]:
    """The message of a request, and whether it is only to be checked; raise `FieldFault`."""
    if not isinstance(body, dict):
        raise FieldFault("", "Invalid JSON payload received. Unexpected token.")
    for name in body.keys() - {"message", "validate_only", "validateOnly"}:
        raise FieldFault("", f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
    only_validate = body.get("validate_only", body.get("validateOnly", False))
    if not isinstance(only_validate, bool):
        raise FieldFault("validate_only", "Invalid value at 'validate_only' (TYPE_BOOL)")
    message = body.get("message")
    if not isinstance(message, dict):
        raise FieldFault("message", "Invalid value at 'message': a message is required")
    for name in message.keys() - _FIELDS:
        text = f"Invalid JSON payload received. Unknown name \"{name}\" at 'message': Cannot find field."
        raise FieldFault("message", text)
    _check_target(message)
    _check_data(message.get("data"), "message.data")
    _check_platforms(message)
    _check_size(message)
    return message, only_validate


def target_of(message: dict[str, Any]) -> tuple[str, str]:
    """The kind of target of a good message, and the target."""
    return next((kind, message[kind]) for kind in TARGETS if kind in message)


def _check_target(message: dict[str, Any]) -> None:
    given = [kind for kind in TARGETS if kind in message]
    if not given:
        raise FieldFault("message", "Recipient of the message is not set.")
    if len(given) > 1:
        raise FieldFault(
            "message",
            "Invalid value at 'message' (oneof), oneof field 'target' is already set. "
            f"Cannot set '{given[1]}'",
        )
    kind, target = given[0], message[given[0]]
    if not isinstance(target, str):
        raise FieldFault(f"message.{kind}", f"Invalid value at 'message.{kind}' (TYPE_STRING), {target!r}")
    if kind == "topic" and _TOPIC.fullmatch(target) is None:
        raise FieldFault("message.topic", "Invalid topic name.")
    if not target.strip():
        raise FieldFault(f"message.{kind}", "The registration token is not a valid FCM registration token")


def _check_data(data: Any, field: str) -> None:
    _check_strings(data, field)
    for key in data or ():
        if _RESERVED.fullmatch(key):
            raise FieldFault(field, f"Invalid data payload key: {key}")


def _check_strings(values: Any, field: str) -> None:
    """Check an object whose values are strings."""
    if values is None:
        return
    if not isinstance(values, dict):
        raise FieldFault(field, f"Invalid value at '{field}' (type.googleapis.com/google.protobuf.Struct)")
    for index, value in enumerate(values.values()):
        if not isinstance(value, str):
            raise FieldFault(
                f"{field}[{index}].value",
                f"Invalid value at '{field}[{index}].value' (TYPE_STRING), {value!r}",
            )


def _check_platforms(message: dict[str, Any]) -> None:
    for name in ("notification", "android", "webpush", "apns"):
        part = message.get(name)
        if part is not None and not isinstance(part, dict):
            raise FieldFault(f"message.{name}", f"Invalid value at 'message.{name}': must be an object")
    _check_strings(message.get("notification"), "message.notification")
    for name in ("webpush", "apns"):
        _check_strings((message.get(name) or {}).get("headers"), f"message.{name}.headers")
    _check_data((message.get("webpush") or {}).get("data"), "message.webpush.data")
    android = message.get("android") or {}
    _check_data(android.get("data"), "message.android.data")
    _check_ttl(android.get("ttl"))
    priority = android.get("priority")
    if priority is not None and priority not in _PRIORITIES:
        raise FieldFault(
            "message.android.priority",
            "Invalid value at 'message.android.priority' "
            f"(type.googleapis.com/google.firebase.fcm.v1.AndroidMessagePriority), {priority!r}",
        )


def _check_ttl(ttl: Any) -> None:
    if ttl is None:
        return
    found = _DURATION.fullmatch(ttl) if isinstance(ttl, str) else None
    if found is None:
        text = (
            f"Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration), {ttl!r}"
        )
        raise FieldFault("message.android.ttl", text)
    if float(ttl[:-1]) > _LONGEST_TTL:
        raise FieldFault("message.android.ttl", "Invalid TTL: must be between 0 and 2419200 seconds")


def _check_size(message: dict[str, Any]) -> None:
    """Check the payload: what is shown and what is handed to the app, keys of data included."""
    android = message.get("android") or {}
    data = android.get("data") or message.get("data") or {}
    shown = {**(message.get("notification") or {}), **(android.get("notification") or {})}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in data.items())
    size += sum(len(str(value).encode()) for value in shown.values())
    limit = _LARGEST_OF_TOPICS if "topic" in message or "condition" in message else _LARGEST
    if size > limit:
        raise FieldFault("message", f"Android message is too big: {size} bytes, at most {limit}")
