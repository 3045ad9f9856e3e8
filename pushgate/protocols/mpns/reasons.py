"""MPNS' answers, a row for each. Microsoft's "Push Notification Service response codes".

An answer's reason is the status in ``X-NotificationStatus`` when the request was taken (200), else its HTTP
status.
"""

from typing import Final

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows

AN_HOUR: Final = 3600.0
"""Seconds after which Microsoft wants a refused channel to be tried again at the earliest."""
_F = Follows
ANSWERS: Final = (
    Answer(200, "queuefull", _F.DEVICE_LATER, "too many notifications wait for the device", wait=60.0),
    Answer(200, "suppressed", _F.REJECTED, "the app takes no notifications of this kind"),
    Answer(200, "dropped", _F.REJECTED, "the notification was dropped"),
    Answer(400, "HTTP400", _F.REJECTED, "the XML or a header is wrong"),
    # Of this channel: a certificate that is not its own must not hold up the rest.
    Answer(401, "HTTP401", _F.REJECTED, "the app may not send to this channel: it does not belong to the "
           "certificate"),
    Answer(403, "HTTP403", _F.REJECTED, "the app may not send to this channel"),
    Answer(404, "HTTP404", _F.DEAD, "the channel has expired", dead=DeadReason.GONE),
    Answer(405, "HTTP405", _F.REJECTED, "the method is not POST"),
    Answer(406, "HTTP406", _F.DEVICE_LATER, "the channel has had all that it may have for the day",
           wait=AN_HOUR),
    Answer(412, "HTTP412", _F.DEVICE_LATER, "the device is out of reach", wait=AN_HOUR),
    Answer(503, "HTTP503", _F.LATER, "the service is unavailable"),
)  # fmt: skip
"""Every answer that Microsoft documents but success: any other 200."""
_TABLE: Final = AnswerTable(ANSWERS)


def answer(status: int, notification_status: str) -> Answer:
    """The row of an answer.

    :param notification_status: the header ``X-NotificationStatus``, in small letters.
    """
    return _TABLE.answer(status, notification_status if 200 <= status < 300 else f"HTTP{status}")
