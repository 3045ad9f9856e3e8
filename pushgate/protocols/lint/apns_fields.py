"""The fields of Apple's payloads and what each may be.

From Apple's "Generating a remote notification", tables 1 to 3, "Starting and updating Live Activities with
ActivityKit push notifications", and "Sending notification requests to APNs".
"""

from typing import Final

from pushgate.protocols.lint.flaw import Grade
from pushgate.protocols.lint.json_tree import Kind, Value
from pushgate.protocols.lint.shape import (
    NUMBER,
    OBJECT,
    ONE,
    TEXT,
    WHOLE,
    Shape,
    array_of,
    one_of,
    shape,
)
from pushgate.protocols.mdm_push import MAX_MAGIC

_LATEST: Final = 1e11
"""Unix seconds beyond which a number is in milliseconds: the year 5138."""
_ON_OFF: Final = shape("the number 0 or 1", Kind.NUMBER, test=lambda value: value.found in {0, 1})


def _is_time(value: Value) -> bool:
    return isinstance(value.found, float) and 0 <= value.found < _LATEST


def _is_part(value: Value) -> bool:
    return isinstance(value.found, float) and 0 <= value.found <= 1


def _is_magic(value: Value) -> bool:
    return 1 <= len(str(value.found).encode("utf-8", "replace")) <= MAX_MAGIC


def _is_badge(value: Value) -> bool:
    return isinstance(value.found, float) and value.found.is_integer() and value.found >= 0


TIME: Final = shape("Unix seconds, no milliseconds and no text", Kind.NUMBER, test=_is_time)
VOLUME: Final = shape("a number from 0 to 1", Kind.NUMBER, test=_is_part)
BADGE: Final = shape("a whole number, 0 to remove the badge", Kind.NUMBER, test=_is_badge)
CHANGED: Final = shape("true", Kind.BOOLEAN, test=lambda value: value.found is True)
_ALERT: Final = {
    "title": TEXT,
    "subtitle": TEXT,
    "body": TEXT,
    "launch-image": TEXT,
    "title-loc-key": TEXT,
    "title-loc-args": array_of(TEXT),
    "subtitle-loc-key": TEXT,
    "subtitle-loc-args": array_of(TEXT),
    "loc-key": TEXT,
    "loc-args": array_of(TEXT),
    "action-loc-key": TEXT,
    "action": TEXT,
    "summary-arg": TEXT,
    "summary-arg-count": WHOLE,
}
ALERT: Final = Shape(
    "a text, or an object with title, subtitle, body",
    frozenset({Kind.TEXT, Kind.OBJECT}),
    fields=_ALERT,
    unknown=Grade.WARNING,
    why="devices ignore it",
)
_TEXTS: Final = Shape(
    "a text, or an object with loc-key and loc-args",
    frozenset({Kind.TEXT, Kind.OBJECT}),
    fields=_ALERT,
    unknown=Grade.WARNING,
    why="devices ignore it",
)
LIVE_ALERT: Final = Shape(
    "an object with title, body, sound",
    frozenset({Kind.OBJECT}),
    fields={**_ALERT, "title": _TEXTS, "body": _TEXTS, "sound": TEXT},
    unknown=Grade.WARNING,
    why="devices ignore it",
)
"""An alert of a Live Activity."""
SOUND: Final = Shape(
    "a text, or an object with critical, name, volume",
    frozenset({Kind.TEXT, Kind.OBJECT}),
    fields={"critical": _ON_OFF, "name": TEXT, "volume": VOLUME},
    unknown=Grade.WARNING,
    why="devices ignore it",
)
_LIVE: Final = {
    "event": one_of("start", "update", "end"),
    "timestamp": TIME,
    "content-state": OBJECT,
    "stale-date": TIME,
    "dismissal-date": TIME,
    "attributes-type": TEXT,
    "attributes": OBJECT,
    "input-push-token": ONE,
    "input-push-channel": TEXT,
}
LIVE_KEYS: Final = tuple(_LIVE)
"""The keys of ``aps`` that only a Live Activity has."""
_FIELDS: Final = {
    "alert": ALERT,
    "badge": BADGE,
    "sound": SOUND,
    "thread-id": TEXT,
    "category": TEXT,
    "content-available": ONE,
    "mutable-content": ONE,
    "target-content-id": TEXT,
    "interruption-level": one_of("passive", "active", "time-sensitive", "critical"),
    "relevance-score": VOLUME,
    "filter-criteria": TEXT,
    "content-changed": CHANGED,
    "url-args": array_of(TEXT),
    **_LIVE,
}
_IN_ALERT: Final = ("title", "subtitle", "body", "loc-key", "loc-args", "title-loc-key", "title-loc-args")
_MOVED: Final = dict.fromkeys(_IN_ALERT, "put it into alert, an object") | {
    "data": "put it beside aps, not into it",
    "apns-collapse-id": "it is no part of the payload: give collapse_id with the notification",
    "apns-priority": "it is no part of the payload: give priority with the notification",
    "apns-push-type": "it is no part of the payload: give push_type with the notification",
    "priority": "it is no part of the payload: give priority with the notification",
}
APS: Final = Shape(
    "an object",
    frozenset({Kind.OBJECT}),
    fields=_FIELDS,
    unknown=Grade.WARNING,
    why="devices ignore what is not Apple's in aps; keys of the app's own stand beside it",
    moved=_MOVED,
)
"""``aps`` of a notification that is shown, or wakes the app."""
LIVE_APS: Final = Shape(
    "an object",
    frozenset({Kind.OBJECT}),
    fields={**_FIELDS, "alert": LIVE_ALERT, "relevance-score": NUMBER},
    unknown=Grade.WARNING,
    why="devices ignore it; what the app shows is in content-state",
    moved=_MOVED,
)
"""``aps`` of a Live Activity, whose relevance-score may be any number."""
_MAGIC: Final = shape(f"a text of 1 to {MAX_MAGIC} bytes, as the device gave it", Kind.TEXT, test=_is_magic)
MDM: Final = Shape(
    'exactly {"mdm": "PUSH MAGIC"}',
    frozenset({Kind.OBJECT}),
    test=lambda value: "mdm" in value.members,
    fields={"mdm": _MAGIC},
    unknown=Grade.ERROR,
    why="a device takes no other key in a push of MDM",
)
"""The payload of a push of MDM."""
INSIDE: Final = frozenset(
    {"alert", "badge", "sound", "content-available", "mutable-content", "interruption-level", "thread-id"}
)
"""Keys of ``aps`` that beside it are hardly meant as the app's own."""
