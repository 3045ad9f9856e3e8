"""The fields of a message of FCM and what each may be: Google's reference of ``projects.messages``."""

import re
from typing import Final

from pushgate.protocols.http_push.ttl import FOUR_WEEKS
from pushgate.protocols.lint.flaw import Grade
from pushgate.protocols.lint.json_tree import Kind, Value
from pushgate.protocols.lint.shape import (
    BOOLEAN,
    NUMBER,
    OBJECT,
    TEXT,
    Shape,
    array_of,
    map_of,
    one_of,
    shape,
)

_is_duration: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?s").fullmatch
_is_colour: Final = re.compile(r"#[0-9A-Fa-f]{6}").fullmatch
_capital: Final = re.compile("[A-Z]")


def snake_case(name: str) -> str:
    """A field as the reference has it: JSON may spell it ``collapseKey`` too."""
    return _capital.sub(lambda letter: f"_{letter[0].lower()}", name)


def _is_ttl(value: Value) -> bool:
    return _is_duration(str(value.found)) is not None and float(str(value.found)[:-1]) <= FOUR_WEEKS


def _fields(fields: dict[str, Shape], moved: dict[str, str] | None = None) -> Shape:
    return Shape(
        "an object",
        frozenset({Kind.OBJECT}),
        fields=fields,
        unknown=Grade.ERROR,
        why="FCM refuses a message with a field that it does not know",
        moved=moved or {},
        spelling=snake_case,
    )


_DURATION: Final = shape(
    'a duration such as "3.5s"', Kind.TEXT, test=lambda value: _is_duration(str(value.found)) is not None
)
_TTL: Final = shape('a duration such as "3.5s", of four weeks at most ("2419200s")', Kind.TEXT, test=_is_ttl)
_COLOUR: Final = shape(
    'a colour such as "#0a84ff"', Kind.TEXT, test=lambda value: _is_colour(str(value.found)) is not None
)
_TEXTS: Final = map_of(TEXT)
_LABEL: Final = _fields({"analytics_label": TEXT})
_ANDROID_NOTIFICATION: Final = _fields(
    {
        "title": TEXT,
        "body": TEXT,
        "icon": TEXT,
        "color": _COLOUR,
        "sound": TEXT,
        "tag": TEXT,
        "click_action": TEXT,
        "body_loc_key": TEXT,
        "body_loc_args": array_of(TEXT),
        "title_loc_key": TEXT,
        "title_loc_args": array_of(TEXT),
        "channel_id": TEXT,
        "ticker": TEXT,
        "sticky": BOOLEAN,
        "event_time": TEXT,
        "local_only": BOOLEAN,
        "notification_priority": one_of(
            "PRIORITY_UNSPECIFIED",
            "PRIORITY_MIN",
            "PRIORITY_LOW",
            "PRIORITY_DEFAULT",
            "PRIORITY_HIGH",
            "PRIORITY_MAX",
        ),
        "default_sound": BOOLEAN,
        "default_vibrate_timings": BOOLEAN,
        "default_light_settings": BOOLEAN,
        "vibrate_timings": array_of(_DURATION),
        "visibility": one_of("VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"),
        "notification_count": NUMBER,
        "light_settings": _fields(
            {
                "color": _fields(dict.fromkeys(("red", "green", "blue", "alpha"), NUMBER)),
                "light_on_duration": _DURATION,
                "light_off_duration": _DURATION,
            }
        ),
        "image": TEXT,
        "bypass_proxy_notification": BOOLEAN,
        "proxy": one_of("PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"),
    }
)
_ANDROID: Final = _fields(
    {
        "collapse_key": TEXT,
        "priority": one_of("HIGH", "NORMAL", "high", "normal"),
        "ttl": _TTL,
        "restricted_package_name": TEXT,
        "data": _TEXTS,
        "notification": _ANDROID_NOTIFICATION,
        "fcm_options": _LABEL,
        "direct_boot_ok": BOOLEAN,
        "bandwidth_constrained_ok": BOOLEAN,
        "restricted_satellite_ok": BOOLEAN,
    },
    {"time_to_live": 'ttl, a duration: "3600s"'},
)
_TARGET: Final = "take it away: to whom it goes is the token of the notification"
_LEGACY: Final = {
    "token": _TARGET,
    "fid": _TARGET,
    "topic": f"{_TARGET}, topic:NAME",
    "condition": f"{_TARGET}, condition:EXPRESSION",
    "to": _TARGET,
    "registration_ids": "take it away: one notification is sent to many tokens by giving them all",
    "collapse_key": 'android: {"collapse_key": …}, or collapse_id with the notification',
    "priority": 'android: {"priority": "HIGH"}, or priority with the notification',
    "time_to_live": 'android: {"ttl": "3600s"}, or expiration with the notification',
    "ttl": 'android: {"ttl": "3600s"}, or expiration with the notification',
    "content_available": 'apns: {"payload": {"aps": {"content-available": 1}}}',
    "mutable_content": 'apns: {"payload": {"aps": {"mutable-content": 1}}}',
    "restricted_package_name": 'android: {"restricted_package_name": …}',
    "dry_run": "validate_only, beside message",
    "aps": 'apns: {"payload": {"aps": {…}}}',
}
"""Fields of the service before v1, and others that people put beside ``notification``."""
MESSAGE: Final = _fields(
    {
        "data": _TEXTS,
        "notification": _fields(
            {"title": TEXT, "body": TEXT, "image": TEXT},
            {
                name: f'android: {{"notification": {{"{name}": …}}}}'
                for name in (
                    "icon",
                    "color",
                    "sound",
                    "tag",
                    "click_action",
                    "channel_id",
                    "android_channel_id",
                )
            }
            | {"badge": 'apns: {"payload": {"aps": {"badge": …}}}'},
        ),
        "android": _ANDROID,
        "webpush": _fields(
            {
                "headers": _TEXTS,
                "data": _TEXTS,
                "notification": OBJECT,
                "fcm_options": _fields({"link": TEXT, "analytics_label": TEXT}),
            }
        ),
        "apns": _fields(
            {
                "headers": _TEXTS,
                "payload": OBJECT,
                "fcm_options": _fields({"analytics_label": TEXT, "image": TEXT}),
                "live_activity_token": TEXT,
            }
        ),
        "fcm_options": _LABEL,
        "name": TEXT,
    },
    _LEGACY,
)
"""A message without its target."""
WHOLE: Final = Shape(
    "an object",
    frozenset({Kind.OBJECT}),
    fields={"message": OBJECT, "validate_only": BOOLEAN},
    unknown=Grade.ERROR,
    why="beside message it would be lost",
    moved={
        name: f'message: {{"{name}": …}}' for name in ("data", "notification", "android", "apns", "webpush")
    },
    spelling=snake_case,
)
"""A whole body, ``{"message": {…}}``."""
