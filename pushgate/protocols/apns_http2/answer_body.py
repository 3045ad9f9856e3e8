"""The body of an answer that is no success: `{"reason": …}`, and for a dead token since when it is dead.

From Apple's "Handling notification responses from APNs". GOAWAY has the same JSON as its debug data.
"""

import msgspec

from pushgate.model.printable import printable
from pushgate.protocols.http_push.answers import LONGEST_REASON


class AnswerBody(msgspec.Struct):
    """What it says.

    :ivar reason: "" when it gives none.
    :ivar timestamp: Unix milliseconds; None when it gives none.
    """

    reason: str = ""
    timestamp: float | None = None


_decode = msgspec.json.Decoder(AnswerBody).decode


def read(body: bytes) -> AnswerBody:
    """Read a body, its reason made printable; one that is not Apple's JSON gives nothing."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return AnswerBody()
    found.reason = printable(found.reason, LONGEST_REASON)
    return found
