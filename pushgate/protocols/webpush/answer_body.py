"""What a push service of Web Push says of a refusal. RFC 8030 leaves it open, and each has its own form.

=============  ==========================================================================================
Mozilla        ``{"code", "errno", "error", "message"}``, from autopush's documentation
Apple          ``{"reason"}``, as to providers of APNs
Google         a line of text
Microsoft      the header ``X-WNS-Error-Description``
=============  ==========================================================================================
"""

import re
from collections.abc import Sequence
from typing import Final

from pushgate.model.printable import printable
from pushgate.protocols.http_push.answers import LONGEST_REASON
from pushgate.protocols.http_push.json_body import read_object, word
from pushgate.protocols.http_push.plain_service import text_of
from pushgate.protocols.http_push.service import Header

_MOST: Final = 1000
"""Bytes that are looked for words."""
_speaks_of_another_key: Final = re.compile(
    rb"key mismatch|VapidPkHashMismatch|credentials used to create the subscription", re.IGNORECASE
).search


def reason(headers: Sequence[Header], body: bytes) -> str:
    """Why, in the service's words: one printable line; "" when it does not say."""
    found = read_object(body)
    if found is None:
        return text_of(headers, b"x-wns-error-description") or _line(body)
    errno, message = word(found, "errno"), word(found, "message") or word(found, "error")
    if errno:
        return f"{errno} {message}".rstrip()[:LONGEST_REASON]
    return word(found, "reason") or message


def is_of_another_key(body: bytes) -> bool:
    """Whether the subscription was made for another key, as Mozilla, Apple and Google say it."""
    return _speaks_of_another_key(body[:_MOST]) is not None


def _line(body: bytes) -> str:
    """The first line of a text; "" of anything in a markup."""
    text = body[:_MOST].lstrip()
    if text[:1] in {b"<", b"{", b"["}:
        return ""
    return printable(text.partition(b"\n")[0].rstrip(), LONGEST_REASON)[:LONGEST_REASON]
