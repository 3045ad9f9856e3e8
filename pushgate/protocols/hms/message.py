"""What Push Kit takes: a payload, the token in its place, and how long it is kept."""

from typing import Final

from pushgate.model.notification import Batch
from pushgate.protocols.http_push.json_fields import Fields, opened, raw, read_fields, write_fields

LONGEST: Final = 15 * 86400
"""Seconds that a message is kept at most."""


def seconds_left(batch: Batch) -> int | None:
    """Seconds that the notifications of a batch may be kept, within Huawei's bounds; None: not said."""
    if batch.terms.expiration is None:
        return None
    return min(LONGEST, max(1, int(batch.terms.expiration - batch.accepted_at)))


def android_head(payload: bytes, batch: Batch) -> bytes:
    """The body of v1 as far as the token: ``{"message":{…,"token":[``.

    The payload is ``message`` without a token.
    """
    left = seconds_left(batch)
    if left is not None:
        payload = _with(payload, "android", f"{left}s")
    return b'{"message":' + opened(payload, "token") + b"["


def harmony_head(payload: bytes, batch: Batch) -> bytes:
    """The body of v3 as far as the token: ``{…,"target":{"token":[``.

    The payload is the body without a target.
    """
    left = seconds_left(batch)
    if left is not None:
        payload = _with(payload, "pushOptions", left)
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
