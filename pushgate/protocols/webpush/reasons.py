"""The answers of Web Push, a row for each: what becomes of the notification, its subscription, its service.

From RFC 8030 and RFC 8292, and what services do beyond:

* 401 and 403 are about the key, and so about all that goes to this service; unless the service says that it
  is the subscription that was made for another key. Mozilla says so with 401, Google with 403, Apple with 400
  or 403. Then that subscription alone is dead, in doubt: after twenty in a row it is our key that is suspect.
* 404 is what RFC 8030 has for a subscription that is gone, 410 is what is sent.
* 406 is Microsoft's for too many notifications of the whole application.
* A redirection is not followed: the address is the secret by which a browser is reached, and which addresses
  may be sent to is the operator's to say.
"""

from typing import Final

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows

APPLICATION_WAIT: Final = 60.0
"""Seconds to wait at least when a service has too many of all our notifications."""
_F = Follows
_MOVED = "the service sends us elsewhere, which is not followed: the browser has to subscribe anew"
_KEY = "the VAPID key or its subject is not accepted, or this machine's clock is wrong"
_TROUBLE = "the service is in trouble"
ANSWERS: Final = (
    Answer(201, "", _F.ACCEPTED),
    # The notification, or how it was sent.
    *(Answer(status, "", _F.REJECTED, _MOVED) for status in (301, 302, 303, 307, 308)),
    Answer(400, "", _F.REJECTED, "the service calls the request malformed"),
    Answer(413, "", _F.REJECTED, "the payload is too large for the service"),
    # The key.
    Answer(401, "", _F.HELD, _KEY, "credential-rejected"),
    Answer(403, "", _F.HELD, _KEY, "credential-rejected"),
    # The subscription.
    Answer(404, "", _F.DEAD, "there is no such subscription", dead=DeadReason.NOT_FOUND),
    Answer(410, "", _F.DEAD, "the subscription has ended", dead=DeadReason.GONE),
    # Too much.
    Answer(406, "", _F.LATER, "the service has too many of our notifications", wait=APPLICATION_WAIT),
    Answer(429, "", _F.DEVICE_LATER, "too many notifications for one subscription"),
    # The service.
    *(Answer(status, "", _F.LATER, _TROUBLE) for status in (500, 502, 503, 504)),
)
"""Every answer that is documented; each status has one meaning, whatever the service says with it."""
_TABLE: Final = AnswerTable(ANSWERS)
_ANOTHER_KEY: Final = frozenset({400, 401, 403})


def answer(status: int, reason: str, of_another_key: bool = False) -> Answer:
    """The row of an answer that is no success.

    :param reason: as the service says it; "" when it does not.
    :param of_another_key: the service says that the subscription was made for another key.
    """
    reason = reason or f"HTTP{status}"
    if of_another_key and status in _ANOTHER_KEY:
        words = "the subscription was made for another VAPID key"
        return Answer(status, reason, _F.DEAD, words, dead=DeadReason.SENDER_ID_MISMATCH)
    return _TABLE.answer(status, reason)
