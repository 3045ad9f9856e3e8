"""What Push Kit takes: a payload, the token in its place, and how long it is kept."""

from typing import Final

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.http_push.json_fields import Fields, opened, raw, read_fields, write_fields
from pushgate.protocols.http_push.ttl import seconds_left

LONGEST: Final = 15 * 86400
"""Seconds that a message is kept at most."""


def android_head(payload: bytes, span: BatchSlice) -> bytes:
    """The body of v1 as far as the token: ``{"message":{…,"token":[``.

    The payload is ``message`` without a token.
    """
    left = seconds_left(span, LONGEST)
    if left is not None:
        payload = _with(payload, "android", f"{max(1, left)}s")
    return b'{"message":' + opened(payload, "token") + b"["


def harmony_head(payload: bytes, span: BatchSlice) -> bytes:
    """The body of v3 as far as the token: ``{…,"target":{"token":[``.

    The payload is the body without a target.
    """
    left = seconds_left(span, LONGEST)
    if left is not None:
        payload = _with(payload, "pushOptions", max(1, left))
    return opened(payload, "target") + b'{"token":['


def _with(payload: bytes, options: str, ttl: int | str) -> bytes:
    """The payload with a ``ttl`` in its options, unless they have one or it is no message."""
    fields = read_fields(payload)
    if fields is None:
        return payload
    inner: Fields | None = read_fields(bytes(fields[options])) if options in fields else {}
    if inner is None or "ttl" in inner:
        return payload
    fields[options] = raw(inner | {"ttl": raw(ttl)})
    return write_fields(fields)
