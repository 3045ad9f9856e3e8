"""Bodies in JSON of any peer: read without an error, whatever came."""

from typing import Any

import msgspec

from pushgate.model.printable import printable
from pushgate.protocols.http_push.answers import LONGEST_REASON

_decode = msgspec.json.Decoder().decode


def read_object(body: bytes | str) -> dict[str, Any] | None:
    """The JSON object that a body is; None when it is none."""
    try:
        found = _decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # UnicodeError is a ValueError
        return None
    return found if isinstance(found, dict) else None


def word(found: dict[str, Any] | None, key: str, limit: int = LONGEST_REASON) -> str:
    """A text or a number of an object as one printable line, "" when there is none.

    Services write their codes as either.

    :param limit: characters at most.
    """
    value = None if found is None else found.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    # An integer has no more digits than Python writes, or it would not have been read.
    return printable(value, limit)[:limit]
