"""The words of push services' answers, from the tables by which outcomes are made."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from pushgate.protocols.adm import reasons as adm
from pushgate.protocols.apns_binary.status import reason as binary_reason
from pushgate.protocols.apns_http2 import reasons as apns
from pushgate.protocols.apns_http2.from_binary import FROM_BINARY
from pushgate.protocols.baidu import reasons as baidu
from pushgate.protocols.fcm import reasons as fcm
from pushgate.protocols.fcm.target import DEVICES
from pushgate.protocols.hms import reasons as hms
from pushgate.protocols.http_push.answers import Answer, Follows
from pushgate.protocols.mpns import reasons as mpns
from pushgate.protocols.outcome_words.explanation import Explanation
from pushgate.protocols.webpush import reasons as webpush
from pushgate.protocols.wns import reasons as wns
from pushgate.protocols.xiaomi import reasons as xiaomi

_LATER: Final = "try again later; sending slower helps"
_BY_ITSELF: Final = "it was tried several times; try again later, the log has the reason"
_FOLLOWS: Final = {
    Follows.REJECTED: "change what the reason names; the same again is refused",
    Follows.DEAD: "send nothing more to this token; have the app register again",
    Follows.HELD: "mend the app's credential or its configuration",
    Follows.RENEW_TOKEN: _BY_ITSELF,
    Follows.KEEP_TOKEN: _BY_ITSELF,
    Follows.NEW_CONNECTION: _BY_ITSELF,
    Follows.DEVICE_LATER: _LATER,
    Follows.LATER: _LATER,
}
_ENVIRONMENT: Final = (
    "is the app's environment that of the token? Development builds have sandbox tokens, all others those of"
    " production; is it the app's own token, complete?"
)
_LINT: Final = "pushgate lint says what is wrong with the payload"
_ADVICE: Final = {
    "BadCollapseId": "a collapse_id of at most 64 bytes",
    "BadDeviceToken": _ENVIRONMENT,
    "BadExpirationDate": "an expiration in Unix seconds",
    "BadPriority": "priority 10, 5 or 1; background notifications have 5",
    "BadTopic": "topic is the bundle id",
    "DeviceTokenNotForTopic": "topic is the bundle id of the app that got the token; is it another app's?",
    "InvalidPushType": "one of Apple's push types, or none, so that the gateway finds it",
    "MissingTopic": "set topic for the app, or give it with the notification",
    "PayloadEmpty": _LINT,
    "PayloadTooLarge": _LINT,
    "TopicDisallowed": "is it the bundle id that key or certificate may send to?",
    "BadChannelId": "a channel id as Apple gave it",
    "ChannelNotRegistered": "pushgate channels list has those there are",
    "FeatureNotEnabled": "enable the broadcast capability for the app at Apple",
    "INVALID_ARGUMENT": "the reason names the field; pushgate lint --service fcm says what is wrong with it",
    "THIRD_PARTY_AUTH_ERROR": "in the Firebase console, Cloud Messaging: the APNs key, the Web Push key",
    "SENDER_ID_MISMATCH": "the service account must be of the Firebase project whose app got the token",
}
"""What to do about single reasons, where that is more than follows from the kind of answer."""
_ROWS: Final[dict[str, Iterable[Answer]]] = {
    "apns-http2": apns.ANSWERS,
    "fcm": (
        *fcm.ANSWERS,
        *(replace(fcm.BAD_TARGET, reason=f"INVALID_ARGUMENT: message.{kind}") for kind in sorted(DEVICES)),
    ),
    "webpush": webpush.ANSWERS,
    "wns": wns.ANSWERS,
    "adm": adm.ANSWERS,
    "hms": hms.ANSWERS,
    "xiaomi": xiaomi.ANSWERS,
    "baidu": baidu.ANSWERS,
    "mpns": mpns.ANSWERS,
}
Known = Mapping[tuple[int | None, str], Answer]
"""Rows by status and reason; the first of two that have both."""


def _known(rows: Iterable[Answer]) -> Known:
    found: dict[tuple[int | None, str], Answer] = {}
    for row in rows:
        found.setdefault((row.status, row.reason), row)
    return found


_BINARY: Final[Known] = {
    (int(status), binary_reason(status)): answer for status, answer in FROM_BINARY.items()
}
_KNOWN: Final = {upstream: _known(rows) for upstream, rows in _ROWS.items()} | {
    "apns-stream": _BINARY,
    "simulator": _BINARY,
}


def explain_answer(upstream: str, status: int | None, reason: str) -> Explanation | None:
    """Words for an answer of a push service; None when it is not documented.

    :param reason: as in the outcome: with what stands behind a colon, if something does.
    """
    known, word = _KNOWN.get(upstream, {}), reason.partition(":")[0]
    row = known.get((status, reason)) or known.get((status, word)) or known.get((status, ""))
    if row is None or not row.words:
        return None
    special = _ADVICE.get(row.reason) or ("" if row.dead else _ADVICE.get(word))
    return Explanation(row.words, special or _FOLLOWS.get(row.follows, ""))
