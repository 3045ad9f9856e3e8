"""What is wrong with a message for Firebase Cloud Messaging."""

import re
from collections.abc import Iterator
from typing import Final

from pushgate.protocols.lint import apns
from pushgate.protocols.lint.draft import Draft
from pushgate.protocols.lint.fcm_fields import MESSAGE, WHOLE
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, Kind, Value
from pushgate.protocols.lint.shape import compare

MAX_DATA: Final = 4096
"""Bytes of ``data`` at most, keys and values."""
_is_reserved: Final = re.compile(r"from|message_type|google\..*|gcm\.notification\..*", re.DOTALL).fullmatch
_is_doubtful: Final = re.compile(r"notification|google.*|gcm.*", re.DOTALL).fullmatch
_PARTS: Final = (("data",), ("android", "data"), ("webpush", "data"))
_ADVICE: Final = 'a message without its target: {"notification": {"title": "…", "body": "…"}}'


def flaws(_: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a payload that is JSON."""
    message = read.root
    if message is None:
        return
    if message.kind is not Kind.OBJECT:
        yield read.flaw(Grade.ERROR, message, f"{message.kind}; a message is an object", _ADVICE)
        return
    if "message" in message.members:
        yield from compare(read, message, WHOLE)
        message = message.members["message"]
    yield from compare(read, message, MESSAGE)
    yield from _of_data(read, message)
    yield from _of_apple(read, message)
    if not message.members.keys() & {"data", "notification", "android", "apns", "webpush"}:
        yield read.flaw(Grade.WARNING, message, "nothing in it is shown or handed to the app", _ADVICE)


def _member(value: Value, *names: str) -> Value | None:
    found: Value | None = value
    for name in names:
        found = None if found is None else found.members.get(name)
    return found


def _of_data(read: JSONText, message: Value) -> Iterator[Flaw]:
    for names in _PARTS:
        data = _member(message, *names)
        if data is None:
            continue
        size = 0
        for name, value in data.members.items():
            size += len(name.encode("utf-8", "replace"))
            size += len(str(value.found).encode("utf-8", "replace")) if value.kind is Kind.TEXT else 0
            yield from _of_name(read, name, value)
        if size > MAX_DATA:
            what = f"{size} bytes of keys and values; at most {MAX_DATA}"
            yield read.flaw(Grade.ERROR, data, what, "less: an address from which the app fetches the rest")


def _of_name(read: JSONText, name: str, value: Value) -> Iterator[Flaw]:
    if _is_reserved(name):
        what = "Google's own: from, message_type, google.… and gcm.notification.… may not be in data"
        yield read.flaw(Grade.ERROR, value, what, "another name", of_key=True)
    elif _is_doubtful(name):
        what = (
            "an older page of Google's calls names that begin with google or gcm, and notification, its own"
        )
        yield read.flaw(Grade.WARNING, value, what, "another name", of_key=True)


def _of_apple(read: JSONText, message: Value) -> Iterator[Flaw]:
    """What is wrong with the payload for Apple's devices in a message."""
    payload, headers = _member(message, "apns", "payload"), _member(message, "apns", "headers")
    if payload is None or payload.kind is not Kind.OBJECT:
        return
    said = {} if headers is None else {
        name.lower(): str(value.found) for name, value in headers.members.items()
    }  # fmt: skip
    given = Draft(payload=b"", service="apns", push_type=said.get("apns-push-type"))
    push_type = given.push_type or _kind(payload)
    yield from apns.of_payload(read, payload, push_type, given)
    if push_type == "background" and said.get("apns-priority") == "10" and headers is not None:
        what = "apns-priority 10 with a background notification, which Apple refuses"
        yield read.flaw(Grade.ERROR, headers, what, '"apns-priority": "5"')


def _kind(payload: Value) -> str:
    """The push type that FCM takes a payload for: background when it only wakes the app."""
    aps = payload.members.get("aps")
    if aps is None or aps.members.keys() & {"alert", "badge", "sound"}:
        return "alert"
    if {"event", "content-state"} <= aps.members.keys():
        return "liveactivity"
    return "background" if "content-available" in aps.members else "alert"
