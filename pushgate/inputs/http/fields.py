"""JSON into values: the shapes a body may have, and what is said of one that has none of them."""

import re
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pushgate.errors import Invalid
from pushgate.notification import Terms, parse_delivery, parse_priority

Number = int | float
"""A whole number may be written with a fraction of zero: JSON knows numbers only."""

TERM_FIELDS: Final = (
    "expiration",
    "priority",
    "collapse_id",
    "push_type",
    "topic",
    "registered_at",
    "delivery",
)
"""The optional fields of a notification."""


class TermFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The optional fields, as AMP's `Push` has them."""

    expiration: Number | None = None
    priority: Number | None = None
    collapse_id: str | None = None
    push_type: str | None = None
    topic: str | None = None
    registered_at: Number | None = None
    delivery: str | None = None

    def terms(self) -> Terms:
        """The same, checked; raise `Invalid`."""
        return _terms(
            self.expiration,
            self.priority,
            self.collapse_id,
            self.push_type,
            self.topic,
            self.registered_at,
            self.delivery,
        )


class Notification(TermFields, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A member of `notifications`, or a line of NDJSON."""

    token: str
    payload: Raw


class Body(TermFields, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A whole body: one notification, one for many tokens, or many."""

    token: str | UnsetType = UNSET
    tokens: list[str] | UnsetType = UNSET
    notifications: list[Notification] | UnsetType = UNSET
    payload: Raw | UnsetType = UNSET


decode_notification: Final = msgspec.json.Decoder(Notification).decode
decode_notifications: Final = msgspec.json.Decoder(Notification).decode_lines
decode_body: Final = msgspec.json.Decoder(Body).decode

_PLACE: Final = re.compile(r"(.*?) - at `\$\.?(.*)`", re.DOTALL)
_TYPES: Final = re.compile(r"Expected `(.*)`, got `(.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MAX_NAME: Final = 40


def misshapen(error: Exception, whole: str) -> Invalid:
    """What is wrong with JSON that could not be decoded: the field, what it is, the rule; never a value.

    :param whole: what the JSON is called as a whole.
    """
    if isinstance(error, RecursionError):
        return Invalid(whole, "objects in objects without end", "JSON of sensible depth")
    if not isinstance(error, msgspec.ValidationError):
        return Invalid(whole, "not JSON", "a JSON object in UTF-8")
    text, field = str(error), ""
    if placed := _PLACE.fullmatch(text):
        text, field = placed[1], placed[2]
    if types := _TYPES.fullmatch(text):
        return Invalid(field or whole, f"of type {types[2]}", f"must be of type {types[1]}")
    stem = f"{field}." if field else ""
    if missing := _MISSING.fullmatch(text):
        return Invalid(stem + missing[1], "missing", "it is required")
    if unknown := _UNKNOWN.fullmatch(text):
        name = unknown[1][:_MAX_NAME].encode("ascii", "backslashreplace").decode()
        return Invalid(
            stem + name, "no field of this request", f"the optional ones are {', '.join(TERM_FIELDS)}"
        )
    return Invalid(field or whole, "out of range", "a number in range")


@lru_cache(maxsize=256)
def _terms(
    expiration: Number | None,
    priority: Number | None,
    collapse_id: str | None,
    push_type: str | None,
    topic: str | None,
    registered_at: Number | None,
    delivery: str | None,
) -> Terms:
    return Terms(
        expiration=_whole("expiration", expiration),
        priority=parse_priority(_whole("priority", priority)),
        collapse_id=collapse_id,
        push_type=push_type,
        topic=topic,
        registered_at=_whole("registered_at", registered_at),
        delivery=parse_delivery(delivery),
    )


def _whole(field: str, number: Number | None) -> int | None:
    if number is None or number == int(number):
        return None if number is None else int(number)
    raise Invalid(field, "a number with a fraction", "a whole number")


def decoded(decode: Any, data: bytes | bytearray, whole: str) -> Any:
    """Decode; raise `Invalid` instead of whatever msgspec raises."""
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise misshapen(error, whole) from None
