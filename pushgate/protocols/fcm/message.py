"""The JSON of a message around its target: what the submission gave, and what its terms add to that.

A submission's payload is the ``Message`` of Google's reference without a target, or a whole body
``{"message": {…}}``. What the payload says goes before what the terms say.
"""

from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Priority, Terms
from pushgate.protocols.http_push.ttl import seconds_left

Fields = dict[str, Any]
"""Fields of a message, in it other such fields, texts and JSON as it came."""
_BLANKS: Final = b" \t\r\n"
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class WholeBody(msgspec.Struct):
    """A request's body.

    :ivar message: UNSET when the payload is the message itself.
    """

    message: Raw | UnsetType = UNSET
    validate_only: bool = False
    validate_only_too: bool = msgspec.field(default=False, name="validateOnly")


_decode_whole: Final = msgspec.json.Decoder(WholeBody).decode
_decode_fields: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def added(span: BatchSlice) -> Fields:
    """What the terms of a slice add to its messages, as far as a payload does not say it itself.

    An expiration counts from now for Android and browsers, and is a point in time for Apple's devices.
    """
    terms = span.batch.terms
    ttl = seconds_left(span)
    android, apns = dict[str, Any](), dict[str, Any]()
    found: Fields = {}
    if ttl is not None:
        android["ttl"] = f"{ttl}s"
        apns["apns-expiration"] = str(terms.expiration)
        found["webpush"] = {"headers": {"TTL": str(ttl)}}
    if terms.priority is not None:
        android["priority"] = "HIGH" if terms.priority is Priority.URGENT else "NORMAL"
    if terms.collapse_id is not None:
        android["collapse_key"] = apns["apns-collapse-id"] = terms.collapse_id
    if android:
        found["android"] = android
    if apns:
        found["apns"] = {"headers": apns}
    return found


def adds_something(terms: Terms) -> bool:
    """Whether terms say anything that goes into a message."""
    return (terms.expiration, terms.priority, terms.collapse_id) != (None, None, None)


def frame(payload: bytes, more: Fields, validate_only: bool = False) -> tuple[bytes, bytes]:
    """A body's bytes before and behind the field of the target. It raises nothing.

    :param payload: what is no JSON object gives a body that the service refuses.
    :param more: as `added` says.
    :param validate_only: the service checks the message and sends it to no device.
    """
    message = payload
    try:
        whole = _decode_whole(payload)
    except _FAULTS:
        pass
    else:
        validate_only = validate_only or whole.validate_only or whole.validate_only_too
        message = payload if whole.message is UNSET else bytes(whole.message)
    if more:
        message = bytes(_merged(Raw(message), more))
    rest = message.lstrip(_BLANKS)[1:].lstrip(_BLANKS)
    head = b'{"validate_only":true,"message":{' if validate_only else b'{"message":{'
    return head, (b"" if rest.startswith(b"}") else b",") + rest + b"}"


def _merged(text: Raw, more: Fields) -> Raw:
    """A JSON object with `more` in it, but for what it has; JSON that is no object as it is."""
    try:
        fields: Fields = dict(_decode_fields(text))
    except _FAULTS:
        return text
    names = {_canonical(name): name for name in fields}
    for key, value in more.items():
        name = names.get(_canonical(key), key)
        own = fields.get(name)
        if own is None or bytes(own) == b"null":
            fields[name] = value
        elif isinstance(value, dict):
            fields[name] = _merged(own, value)
    return Raw(msgspec.json.encode(fields))


def _canonical(name: str) -> str:
    """One spelling for ``collapse_key`` and ``collapseKey``, which Google takes for the same, and ``TTL``."""
    return name.replace("_", "").lower()
