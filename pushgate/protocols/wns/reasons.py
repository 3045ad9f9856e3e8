"""WNS' answers, a row for each. Microsoft's "Push notification service request and response headers".

An answer's reason is the status in ``X-WNS-Status`` when the request was taken (200), else its HTTP status:
``X-WNS-Error-Description`` is for people, and goes to the words.
"""

import re
from typing import Final

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows

BLOCKED: Final = "DomainBlocked"
"""The reason of a 410 that is not about the channel."""
_F = Follows
ANSWERS: Final = (
    # The request was right, and the notification is lost: no success.
    Answer(200, "dropped", _F.REJECTED, "the notification was dropped: the user turned notifications off, or "
           "the device is offline and it is not kept"),
    Answer(200, "channelthrottled", _F.DEVICE_LATER, "too many notifications for one channel"),
    Answer(400, "HTTP400", _F.REJECTED, "a header is wrong, or contradicts another"),
    Answer(401, "HTTP401", _F.RENEW_TOKEN, "the access token is not valid, or too old",
           "credential-rejected"),
    Answer(403, "HTTP403", _F.DEAD, "the channel is of another app",
           dead=DeadReason.WRONG_CHANNEL),
    Answer(404, "HTTP404", _F.DEAD, "the channel is not known", dead=DeadReason.NOT_FOUND),
    Answer(405, "HTTP405", _F.REJECTED, "the method is not POST"),
    Answer(406, "HTTP406", _F.LATER, "the app sends too much"),
    Answer(410, "HTTP410", _F.DEAD, "the channel has expired", dead=DeadReason.GONE),
    Answer(410, BLOCKED, _F.HELD, "the domain of the channel is blocked", "credential-rejected"),
    Answer(413, "HTTP413", _F.REJECTED, "the payload is over 5000 bytes"),
    Answer(500, "HTTP500", _F.LATER, "the service has an error of its own"),
    Answer(503, "HTTP503", _F.LATER, "the service is unavailable"),
)  # fmt: skip
"""Every answer that Microsoft documents but success: any 200 that is neither dropped nor throttled."""
_TABLE: Final = AnswerTable(ANSWERS)
_is_of_the_domain: Final = re.compile(r"\bdomain\b|\bblocked\b", re.IGNORECASE).search


def answer(status: int, notification_status: str, description: str) -> Answer:
    """The row of an answer.

    :param notification_status: the header ``X-WNS-Status``, in small letters.
    :param description: the header ``X-WNS-Error-Description``.
    """
    if 200 <= status < 300:
        return _TABLE.answer(status, notification_status)
    if status == 410 and _is_of_the_domain(description):
        return _TABLE.answer(410, BLOCKED)
    return _TABLE.answer(status, f"HTTP{status}")
