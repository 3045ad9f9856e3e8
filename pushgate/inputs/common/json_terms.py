"""Decoding callers' JSON, and describing what is wrong with it."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pushgate.inputs.common.half_surrogates import decode_with_halves
from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms, parse_delivery, parse_priority
from pushgate.model.text_file import BOM
from pushgate.protocols.mdm_push import push_payload, push_type_with

Number = int | float
"""A whole number may be written with a fraction of zero: JSON knows numbers only."""


class TermFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The optional fields, as AMP's `Push` has them.

    :param push_magic: of a managed device, in place of a payload.
    """

    expiration: Number | None = None
    priority: Number | None = None
    collapse_id: str | None = None
    push_type: str | None = None
    topic: str | None = None
    registered_at: Number | None = None
    delivery: str | None = None
    channel: str | None = None
    push_magic: str | None = None

    def terms(self) -> Terms:
        """The same, checked; raise `Invalid`."""
        return _terms(
            self.expiration,
            self.priority,
            self.collapse_id,
            push_type_with(self.push_magic, self.push_type),
            self.topic,
            self.registered_at,
            self.delivery,
            self.channel,
        )

    def json(self, payload: Raw | UnsetType) -> bytes:
        """The payload as JSON: the given one, or what the push magic makes.

        :raises Invalid: there is neither, or both, or no such push magic.
        """
        if self.push_magic is None:
            if payload is UNSET:
                raise Invalid("payload", "missing", "it is required, or a push_magic in its place")
            return bytes(payload)
        if payload is not UNSET:
            raise Invalid("push_magic", "with a payload", "either a payload or a push_magic")
        return push_payload(self.push_magic)


TERM_FIELDS: Final = TermFields.__struct_fields__
"""Their names."""

_PLACE: Final = re.compile(r"(.*?) - at `\$\.?(.*)`", re.DOTALL)
_TYPES: Final = re.compile(r"Expected `(.*)`, got `(.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MAX_NAME: Final = 40


def decoded(decode: Any, data: bytes | bytearray, whole: str, optional: Sequence[str] = TERM_FIELDS) -> Any:
    """Decode, a byte order mark before the JSON left out; raise `Invalid` for every error of msgspec.

    A text or payload with half of a surrogate pair is decoded; see `half_surrogates`.

    :param whole: the name for the JSON as a whole.
    :param optional: the fields it may have besides.
    """
    data = data.removeprefix(BOM)
    try:
        try:
            return decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            with_halves = decode_with_halves(decode, data) if _is_syntax(error) else None
            if with_halves is None:
                raise
            return with_halves
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise misshapen(error, whole, optional) from None


def _is_syntax(error: Exception) -> bool:
    return not isinstance(error, msgspec.ValidationError)


def misshapen(error: Exception, whole: str, optional: Sequence[str] = TERM_FIELDS) -> Invalid:
    """The fault of JSON that could not be decoded: the field, its shape, the rule; never a value."""
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
        return unknown_field(stem + unknown[1], optional)
    return Invalid(field or whole, "out of range", "a number in range")


def unknown_field(name: str, optional: Sequence[str]) -> Invalid:
    """The fault of a field that is not known."""
    shown = name[:_MAX_NAME].encode("ascii", "backslashreplace").decode()
    return Invalid(shown, "no field of this request", f"the optional ones are {', '.join(optional)}")


@lru_cache(maxsize=256)
def _terms(
    expiration: Number | None,
    priority: Number | None,
    collapse_id: str | None,
    push_type: str | None,
    topic: str | None,
    registered_at: Number | None,
    delivery: str | None,
    channel: str | None,
) -> Terms:
    return Terms(
        expiration=_whole("expiration", expiration),
        priority=parse_priority(_whole("priority", priority)),
        collapse_id=collapse_id,
        push_type=push_type,
        topic=topic,
        registered_at=_whole("registered_at", registered_at),
        delivery=parse_delivery(delivery),
        channel=channel,
    )


def _whole(field: str, number: Number | None) -> int | None:
    if number is None or number == int(number):
        return None if number is None else int(number)
    raise Invalid(field, "a number with a fraction", "a whole number")
