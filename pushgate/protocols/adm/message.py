"""The message that ADM takes: a payload, and what is added to it where it does not say."""

import hashlib
from base64 import b64encode
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.http_push.json_fields import raw, read_fields, write_fields
from pushgate.protocols.http_push.ttl import seconds_left

SHORTEST, LONGEST = 60, 2_678_400
"""Seconds that a message may be kept for at least and at most: a minute and 31 days."""
MAX_KEY: Final = 64
"""Characters of a consolidation key at most."""
decode_data: Final = msgspec.json.Decoder(dict[str, str]).decode


def checksum(data: dict[str, str]) -> str:
    """The value of ``md5``: MD5 in Base64 over ``key:value`` joined by commas, keys in the order of UTF-8."""
    ordered = sorted((key.encode(), value.encode()) for key, value in data.items())
    text = b",".join(key + b":" + value for key, value in ordered)
    return b64encode(hashlib.md5(text, usedforsecurity=False).digest()).decode()


def completed(payload: bytes, span: BatchSlice) -> bytes:
    """The body of the request: the payload with what its terms say where it says nothing, and a checksum.

    A payload that is no message, taken under other rules, is left as it is: the service refuses it.
    """
    fields = read_fields(payload)
    if fields is None:
        return payload
    terms, left = span.batch.terms, seconds_left(span, LONGEST)
    if terms.collapse_id is not None and "consolidationKey" not in fields:
        fields["consolidationKey"] = raw(terms.collapse_id)
    if left is not None and "expiresAfter" not in fields:
        fields["expiresAfter"] = raw(max(SHORTEST, left))
    if "data" in fields and "md5" not in fields:
        try:
            fields["md5"] = raw(checksum(decode_data(fields["data"])))
        except msgspec.MsgspecError:
            return payload
    return write_fields(fields)
