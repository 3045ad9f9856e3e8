"""ADM's answers, a row for each. Amazon's "Send a message": the reason stands in the body."""

from typing import Final

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows

RATE_WAIT: Final = 60.0
"""Seconds to wait when the service does not say for how long it has too much."""
_F = Follows
ANSWERS: Final = (
    Answer(400, "InvalidRegistrationId", _F.DEAD, "the registration id is none of this app's",
           dead=DeadReason.INVALID_REGISTRATION),
    Answer(400, "Unregistered", _F.DEAD, "the device has the app no more", dead=DeadReason.UNREGISTERED),
    Answer(400, "InvalidData", _F.REJECTED, "data is no object of texts"),
    Answer(400, "InvalidConsolidationKey", _F.REJECTED, "the consolidation key is too long"),
    Answer(400, "InvalidExpiration", _F.REJECTED, "the expiration is no number of seconds that is allowed"),
    Answer(400, "InvalidChecksum", _F.REJECTED, "md5 is not that of data"),
    Answer(400, "InvalidType", _F.REJECTED, "a header of the request is wrong"),
    Answer(401, "AccessTokenExpired", _F.RENEW_TOKEN, "the access token is too old", "credential-rejected"),
    Answer(401, "", _F.RENEW_TOKEN, "the access token is not valid", "credential-rejected"),
    Answer(413, "MessageTooLarge", _F.REJECTED, "data is over 6 KB"),
    Answer(429, "MaxRateExceeded", _F.LATER, "the app sends too much", wait=RATE_WAIT),
    Answer(429, "", _F.LATER, "the app sends too much", wait=RATE_WAIT),
    Answer(500, "HTTP500", _F.LATER, "the service has an error of its own"),
    Answer(503, "HTTP503", _F.LATER, "the service is unavailable"),
)  # fmt: skip
"""Every answer that Amazon documents but success."""
_TABLE: Final = AnswerTable(ANSWERS)


def answer(status: int, reason: str) -> Answer:
    """The row of an answer.

    :param reason: as the body has it, "" when it has none.
    """
    if 200 <= status < 300:
        return _TABLE.answer(status, "")
    return _TABLE.answer(status, reason or f"HTTP{status}")
