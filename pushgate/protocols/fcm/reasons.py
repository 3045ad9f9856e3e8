"""FCM's answers, a row for each: what becomes of the notification, of its target, and of the app.

From Google's reference of ``ErrorCode``. What the reference leaves open, or practice has otherwise:

* A token that cannot be one has no code of its own. It is INVALID_ARGUMENT, told from other faults by the
  violation of ``message.token`` (or ``message.fid``) or, as of 2025, by the message alone. Since living
  tokens have been refused so in an outage, such a death is doubtful.
* THIRD_PARTY_AUTH_ERROR has status 401 and is not about our credential, but about the key for Apple or for
  browsers that the Firebase project holds. Only devices behind that key suffer. If it stopped the app, it
  would stop Android devices, and notifications that wait for the key would fill the room for those that wait,
  and so stop them as well; so the notification is refused.
* NOT_FOUND without FCM's code is what a project that does not exist gives; or a token, from what stands in
  for FCM. It is a doubtful death: twenty in a row make the app suspect instead of the tokens.
* QUOTA_EXCEEDED is about the project, one device or one topic. The last two hold up no other.
"""

from typing import Final

from msgspec.structs import replace

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.apns_http2 import reasons as apns
from pushgate.protocols.fcm.error_body import ErrorBody
from pushgate.protocols.fcm.target import DEVICES, Kind
from pushgate.protocols.http_push.answers import LONGEST_REASON, Answer, AnswerTable, Follows

QUOTA_WAIT: Final = 60.0
"""Seconds to wait at least when a quota is used up and the answer does not say how long."""
TROUBLE_WAIT: Final = 10.0
"""The same when the service is in trouble."""
_F = Follows
_THIRD_PARTY = (
    "the key for Apple or for browsers in the Firebase project is missing, expired or wrong: their devices "
    "get nothing until it is replaced in the Firebase console"
)
ANSWERS: Final = (
    Answer(200, "", _F.ACCEPTED),
    # The notification.
    Answer(400, "INVALID_ARGUMENT", _F.REJECTED, "the message has a field that FCM does not take"),
    Answer(401, "THIRD_PARTY_AUTH_ERROR", _F.REJECTED, _THIRD_PARTY),
    Answer(401, "APNS_AUTH_ERROR", _F.REJECTED, _THIRD_PARTY),  # its name until 2019
    # The device.
    Answer(403, "SENDER_ID_MISMATCH", _F.DEAD, "the token belongs to another Firebase project",
           dead=DeadReason.SENDER_ID_MISMATCH),
    Answer(404, "UNREGISTERED", _F.DEAD, "the device has the app no more", dead=DeadReason.UNREGISTERED),
    Answer(404, "NOT_FOUND", _F.DEAD, "there is no such device, or no such project",
           dead=DeadReason.INVALID_REGISTRATION),
    # The credential.
    Answer(401, "UNAUTHENTICATED", _F.RENEW_TOKEN, "the access token is not accepted", "credential-rejected"),
    Answer(401, "", _F.RENEW_TOKEN, "the access token is not accepted", "credential-rejected"),
    Answer(403, "PERMISSION_DENIED", _F.HELD, "the service account may not send for this project, or the "
           "Firebase Cloud Messaging API is not enabled in it", "credential-rejected"),
    # Too much.
    Answer(429, "QUOTA_EXCEEDED", _F.LATER, "a quota of the project is used up", wait=QUOTA_WAIT),
    Answer(429, "RESOURCE_EXHAUSTED", _F.LATER, "a quota of the project is used up", wait=QUOTA_WAIT),
    Answer(429, "", _F.LATER, "a quota of the project is used up", wait=QUOTA_WAIT),
    # The service.
    Answer(500, "INTERNAL", _F.LATER, "the service has an error of its own", wait=TROUBLE_WAIT),
    Answer(500, "", _F.LATER, "the service has an error of its own", wait=TROUBLE_WAIT),
    Answer(503, "UNAVAILABLE", _F.LATER, "the service is unavailable", wait=TROUBLE_WAIT),
    Answer(503, "", _F.LATER, "the service is unavailable", wait=TROUBLE_WAIT),
)  # fmt: skip
"""Every answer that Google documents. UNSPECIFIED_ERROR has no row: it says no more than its status."""
BAD_TARGET: Final = Answer(
    400,
    "INVALID_ARGUMENT",
    _F.DEAD,
    "the token cannot be one",
    dead=DeadReason.INVALID_ARGUMENT,
)
"""The row of INVALID_ARGUMENT about the token itself."""
_TABLE: Final = AnswerTable(ANSWERS)
_BAD_TOKEN: Final = "not a valid fcm registration token"  # noqa: S105 - words of the service, not a secret
_BAD_FIELDS: Final = frozenset({"message.token", "message.fid"})


def answer(status: int, said: ErrorBody, kind: Kind) -> Answer:
    """The row of an answer, its reason with the detail that says most: ``INVALID_ARGUMENT: message.data``.

    :param kind: of the target. What is no device cannot be dead: its notification is refused.
    """
    row, detail = _row(status, said), _detail(said)
    if row.reason == "INVALID_ARGUMENT" and _is_bad_target(said):
        row, detail = BAD_TARGET, f"message.{kind}"
    elif row.follows is _F.REJECTED:
        row = _by_apple(row, said)
    if row.dead is not None and kind not in DEVICES:
        row = replace(row, follows=_F.REJECTED, dead=None)
    return replace(row, reason=f"{row.reason}: {detail}"[:LONGEST_REASON]) if detail else row


def _row(status: int, said: ErrorBody) -> Answer:
    row = _TABLE.answer(status, said.code or f"HTTP{status}")
    if said.is_fcm and status in {401, 403} and _TABLE.documented(status, said.code) is None:
        # FCM looked at the message, so our credential is good.
        return Answer(status, said.code, _F.REJECTED)
    if status == 429 and _is_of_target(said):
        return replace(row, follows=_F.DEVICE_LATER, words="too many notifications for one device or topic")
    return row


def _by_apple(row: Answer, said: ErrorBody) -> Answer:
    """The row of a notification that is refused; a dead token when Apple says so."""
    apple = apns.documented(said.apns_status, said.apns_reason)
    if apple is None or apple.dead is None:
        return row
    return replace(row, follows=_F.DEAD, words=apple.words, dead=apple.dead)


def _is_bad_target(said: ErrorBody) -> bool:
    return not _BAD_FIELDS.isdisjoint(said.fields) or _BAD_TOKEN in said.message.lower()


def _is_of_target(said: ErrorBody) -> bool:
    """Whether a quota is that of one device or topic: the words of Google's three kinds of quota."""
    words = f"{said.message} {said.quota}".lower()
    return "device" in words or "topic" in words


def _detail(said: ErrorBody) -> str:
    return said.apns_reason or next(filter(None, said.fields), "") or said.info
