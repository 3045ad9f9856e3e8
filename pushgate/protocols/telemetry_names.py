"""What became of a notification, in the names that the telemetry of a notification hub counts by.

Each push service has its own numbers and words; the table has what they mean in the common ones. Where a
service tells more by a word than by its number, the word goes first.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import TAKEN, State


class OutcomeName(StrEnum):
    """The names, as they stand in a telemetry document. A hub has more, of its own doings."""

    SUCCESS = "Success"
    BAD_CHANNEL = "BadChannel"
    EXPIRED_CHANNEL = "ExpiredChannel"
    WRONG_CHANNEL = "WrongChannel"
    WRONG_TOKEN = "WrongToken"  # noqa: S105 - a name, not a secret
    INVALID_CREDENTIALS = "InvalidCredentials"
    INVALID_NOTIFICATION_SIZE = "InvalidNotificationSize"
    INVALID_NOTIFICATION_FORMAT = "InvalidNotificationFormat"
    THROTTLED = "Throttled"
    CHANNEL_THROTTLED = "ChannelThrottled"
    CHANNEL_DISCONNECTED = "ChannelDisconnected"
    DROPPED = "Dropped"
    PNS_INTERFACE_ERROR = "PnsInterfaceError"
    PNS_SERVER_ERROR = "PnsServerError"
    PNS_UNAVAILABLE = "PnsUnavailable"
    ABANDONED = "AbandonedNotificationMessages"
    UNKNOWN_ERROR = "UnknownError"


class _Answers(msgspec.Struct, frozen=True):
    """The answers of a push service.

    :param numbers: its own, or HTTP's where they mean something else than usual.
    :param words: in lower case.
    """

    numbers: Mapping[int, OutcomeName] = {}
    words: Mapping[str, OutcomeName] = {}


_N = OutcomeName
_APNS_STREAM: Final = _Answers(numbers={
    1: _N.PNS_SERVER_ERROR, 2: _N.INVALID_NOTIFICATION_FORMAT, 3: _N.INVALID_CREDENTIALS,
    4: _N.INVALID_NOTIFICATION_FORMAT, 5: _N.BAD_CHANNEL, 6: _N.INVALID_CREDENTIALS,
    7: _N.INVALID_NOTIFICATION_SIZE, 8: _N.BAD_CHANNEL, 10: _N.PNS_UNAVAILABLE,
    128: _N.INVALID_NOTIFICATION_FORMAT, 255: _N.PNS_SERVER_ERROR,
})  # fmt: skip
_ANSWERS: Final = {
    "apns-stream": _APNS_STREAM,
    "simulator": _APNS_STREAM,
    "apns-http2": _Answers(
        numbers={404: _N.PNS_INTERFACE_ERROR, 405: _N.PNS_INTERFACE_ERROR},
        words={
            "baddevicetoken": _N.BAD_CHANNEL, "devicetokennotfortopic": _N.WRONG_TOKEN,
            "topicdisallowed": _N.INVALID_CREDENTIALS,
        },
    ),
    "fcm": _Answers(
        numbers={404: _N.EXPIRED_CHANNEL},
        words={
            "unregistered": _N.EXPIRED_CHANNEL, "sender_id_mismatch": _N.WRONG_TOKEN,
            "invalid_argument": _N.INVALID_NOTIFICATION_FORMAT, "quota_exceeded": _N.THROTTLED,
        },
    ),
    "webpush": _Answers(numbers={403: _N.WRONG_CHANNEL, 404: _N.EXPIRED_CHANNEL}),
    "wns": _Answers(
        numbers={
            403: _N.WRONG_CHANNEL, 404: _N.BAD_CHANNEL, 405: _N.PNS_INTERFACE_ERROR, 406: _N.THROTTLED,
        },
        words={
            "dropped": _N.DROPPED, "channelthrottled": _N.CHANNEL_THROTTLED,
            "disconnected": _N.CHANNEL_DISCONNECTED, "tempdisconnected": _N.CHANNEL_DISCONNECTED,
            "channeldisconnected": _N.CHANNEL_DISCONNECTED,
        },
    ),
    "adm": _Answers(words={
        "unregistered": _N.EXPIRED_CHANNEL, "messagetoolarge": _N.INVALID_NOTIFICATION_SIZE,
        "accesstokenexpired": _N.INVALID_CREDENTIALS, "invalid_scope": _N.INVALID_CREDENTIALS,
        "invalid_client": _N.INVALID_CREDENTIALS, "maxrateexceeded": _N.THROTTLED,
    }),
    "hms": _Answers(numbers={
        80100000: _N.BAD_CHANNEL,  # some tokens, or the one there is
        80100001: _N.INVALID_NOTIFICATION_FORMAT, 80100003: _N.INVALID_NOTIFICATION_FORMAT,
        80100004: _N.INVALID_NOTIFICATION_FORMAT, 80100013: _N.INVALID_NOTIFICATION_FORMAT,
        80200001: _N.INVALID_CREDENTIALS, 80200003: _N.INVALID_CREDENTIALS,
        80300002: _N.INVALID_CREDENTIALS, 80300007: _N.BAD_CHANNEL,
        80300008: _N.INVALID_NOTIFICATION_SIZE, 80600003: _N.INVALID_CREDENTIALS,
        81000001: _N.PNS_SERVER_ERROR,
    }),
    "baidu": _Answers(numbers={
        30600: _N.PNS_SERVER_ERROR, 30601: _N.PNS_INTERFACE_ERROR, 30602: _N.INVALID_NOTIFICATION_FORMAT,
        30603: _N.INVALID_CREDENTIALS, 30604: _N.THROTTLED,
        30606: _N.INVALID_CREDENTIALS,  # the time in the signature
        30607: _N.EXPIRED_CHANNEL, 30608: _N.BAD_CHANNEL, 30612: _N.INVALID_CREDENTIALS,
        30613: _N.INVALID_CREDENTIALS, 30699: _N.THROTTLED,
    }),
    "mpns": _Answers(
        numbers={
            404: _N.EXPIRED_CHANNEL, 405: _N.PNS_INTERFACE_ERROR, 406: _N.THROTTLED,
            412: _N.CHANNEL_DISCONNECTED,
        },
        words={"queuefull": _N.CHANNEL_THROTTLED, "suppressed": _N.DROPPED},
    ),
    "xiaomi": _Answers(numbers={
        10016: _N.INVALID_NOTIFICATION_FORMAT, 10017: _N.INVALID_NOTIFICATION_FORMAT,
        20301: _N.BAD_CHANNEL, 21301: _N.INVALID_CREDENTIALS,
    }),
}  # fmt: skip
"""By the kind of upstream. Baidu's, Huawei's and Xiaomi's numbers were never checked against the services."""
_DEATHS: Final = {
    str(reason).lower(): name
    for reason, name in {
        DeadReason.NOT_FOUND: _N.BAD_CHANNEL,
        DeadReason.GONE: _N.EXPIRED_CHANNEL,
        DeadReason.INVALID_REGISTRATION: _N.BAD_CHANNEL,
        DeadReason.SENDER_ID_MISMATCH: _N.WRONG_TOKEN,
        DeadReason.WRONG_CHANNEL: _N.WRONG_CHANNEL,
        DeadReason.INVALID_ARGUMENT: _N.BAD_CHANNEL,
    }.items()
}
"""By the words that are used for any push service."""
_STATUSES: Final = {
    401: _N.INVALID_CREDENTIALS,
    403: _N.INVALID_CREDENTIALS,
    408: _N.PNS_UNAVAILABLE,
    410: _N.EXPIRED_CHANNEL,
    413: _N.INVALID_NOTIFICATION_SIZE,
    429: _N.THROTTLED,
    503: _N.PNS_UNAVAILABLE,
    504: _N.PNS_UNAVAILABLE,
}
"""What HTTP's statuses mean, where a service does not differ."""
_CLASSES: Final = {3: _N.PNS_INTERFACE_ERROR, 4: _N.INVALID_NOTIFICATION_FORMAT, 5: _N.PNS_SERVER_ERROR}
"""By the first digit of any other one."""
_STATES: Final = {
    **dict.fromkeys(TAKEN, _N.SUCCESS),
    State.SUPPRESSED: _N.EXPIRED_CHANNEL,  # it was found out with an earlier one
    State.DEAD_TOKEN: _N.EXPIRED_CHANNEL,
    State.EXPIRED: _N.ABANDONED,
    State.CANCELLED: _N.ABANDONED,
    State.UNKNOWN: _N.UNKNOWN_ERROR,
}
"""By the state, where that says all."""
_REFUSED: Final = frozenset({State.REJECTED, State.FAILED})
_NO_ANSWERS: Final = _Answers()


def outcome_name(upstream: str, state: State, status: int | None, reason: str) -> str:
    """The name of an outcome.

    :param upstream: the kind of upstream; of one that is not known statuses are HTTP's.
    :param status: the push service's number, if it gave one.
    :param reason: of the outcome. A number in it counts as a status.
    :raises ValueError: the notification is on its way: it has no outcome.
    """
    if state in _REFUSED:
        return _refusal(_ANSWERS.get(upstream, _NO_ANSWERS), status, reason.lower())
    if state not in _STATES:
        raise ValueError(f"{state} is no outcome")
    return _STATES[state]


def _refusal(answers: _Answers, status: int | None, reason: str) -> OutcomeName:
    if reason == "closesconnection":
        return _N.PNS_INTERFACE_ERROR
    number = int(reason) if reason.isdecimal() and len(reason) <= 9 else -1
    found = answers.words.get(reason) or answers.numbers.get(number) or answers.numbers.get(status or 0)
    found = found or _DEATHS.get(reason) or _STATUSES.get(status or 0)
    return found or _CLASSES.get((status or 0) // 100) or _N.UNKNOWN_ERROR
