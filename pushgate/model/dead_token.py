"""The death of a device token: since when, and how it is known. As a value, and as a line of text."""

from enum import StrEnum
from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.notification import MAX_EXPIRATION
from pushgate.model.target import MAX_TARGET, TargetForm


class DeadReason(StrEnum):
    """How a death is known. New ones are appended: registers keep their places."""

    FEEDBACK = "feedback"
    """The feedback service listed it."""
    INVALID_TOKEN = "InvalidToken"  # noqa: S105 - a status, not a secret
    """The push service refused it with status 8."""
    INVALID_TOKEN_SIZE = "InvalidTokenSize"  # noqa: S105 - a status, not a secret
    """The push service refused it with status 5."""
    IMPORTED = "imported"
    """An operator entered it."""
    BAD_DEVICE_TOKEN = "BadDeviceToken"  # noqa: S105 - a reason, not a secret
    """The push service refused it over HTTP/2: it is malformed, or of the other environment."""
    DEVICE_TOKEN_NOT_FOR_TOPIC = "DeviceTokenNotForTopic"  # noqa: S105 - a reason, not a secret
    """The same: it is of another app."""
    UNREGISTERED = "Unregistered"
    """The push service said so over HTTP/2: the app is not on the device any more."""
    EXPIRED_TOKEN = "ExpiredToken"  # noqa: S105 - a reason, not a secret
    """The same: the token has expired."""
    NOT_FOUND = "NotFound"
    """A push service answered that there is no such registration or subscription."""
    GONE = "Gone"
    """A push service answered that the registration or subscription has ended, or was withdrawn."""
    INVALID_REGISTRATION = "InvalidRegistrationId"
    """A push service with registration ids refused this one: it is malformed, or that of no device."""
    SENDER_ID_MISMATCH = "SenderIdMismatch"
    """A push service refused it: it was given to another sender."""
    WRONG_CHANNEL = "WrongChannel"
    """A push service refused it: it is a channel of another app."""
    INVALID_ARGUMENT = "InvalidArgument"
    """FCM called it no valid token, as it has called living ones during an outage."""


DOUBTFUL: Final = frozenset({
    DeadReason.INVALID_TOKEN, DeadReason.BAD_DEVICE_TOKEN, DeadReason.DEVICE_TOKEN_NOT_FOR_TOPIC,
    DeadReason.INVALID_REGISTRATION, DeadReason.SENDER_ID_MISMATCH, DeadReason.WRONG_CHANNEL,
    DeadReason.INVALID_ARGUMENT,
})  # fmt: skip
"""What a living token is refused for as well: when it is sent to the wrong environment, topic, sender or app,
or the push service is in trouble."""
MAX_HEX: Final = 100
"""Bytes of a token in hex at most: those of APNs are no longer, and only APNs writes its own in hex."""
_RULE: Final = "must be TOKEN [SINCE [REASON]], or the same as a JSON object"


class DeadTokenEntry(msgspec.Struct, frozen=True, gc=False):
    """A token is dead.

    :param since: Unix seconds.
    :param doubted: it was refused when nothing had shown yet that the environment is right.
    """

    token: bytes
    since: int
    reason: DeadReason
    doubted: bool = False


def line(death: DeadTokenEntry, form: TargetForm = TargetForm.HEX) -> str:
    """``TOKEN SINCE REASON``, without a line end. `fits_a_line` says which can be read again."""
    return f"{form.write(death.token)} {death.since} {death.reason}"


def fits_a_line(text: str) -> bool:
    """Whether a token as text can stand on a line that is no JSON object.

    Blanks would end it, and a brace or a byte order mark would be taken for the beginning of another line.
    """
    return text.split() == [text] and not text.startswith(("{", "\ufeff"))


def json_line(death: DeadTokenEntry, form: TargetForm = TargetForm.HEX) -> str:
    """The same as a JSON object."""
    token = msgspec.json.encode(form.write(death.token)).decode()
    return f'{{"token":{token},"since":{death.since},"reason":"{death.reason}"}}'


def longest(form: TargetForm) -> int:
    """Bytes of a token of this form at most, whatever its push service has for a limit."""
    return MAX_HEX if form is TargetForm.HEX else MAX_TARGET


def parse(text: str, now: int, form: TargetForm = TargetForm.HEX, limit: int | None = None) -> DeadTokenEntry:
    """A death from either kind of line.

    :param now: Unix seconds: since when, if the line does not say.
    :param form: how the token is written.
    :param limit: bytes of a token at most; None: as many as one of this form can have.
    :raises Invalid: naming the field that breaks a rule.
    """
    text = text.removeprefix("\ufeff")  # before the first line of a file
    if text.lstrip().startswith("{"):
        token, since, reason = _object_fields(text)
    else:
        fields = text.split()
        if not 1 <= len(fields) <= 3:
            raise Invalid("line", f"{len(fields)} fields", _RULE)
        token, since, reason = (*fields, None, None)[:3]
    target = form.parse(token, longest(form) if limit is None else limit)
    return DeadTokenEntry(target, now if since is None else parse_since(since), parse_reason(reason))


def parse_since(value: str | int) -> int:
    """Unix seconds from a number or its digits; raise `Invalid` for anything else."""
    number = int(value) if isinstance(value, int) or (value.isdecimal() and len(value) <= 10) else -1
    if not 0 <= number <= MAX_EXPIRATION:
        shape = f"text of {len(value)} characters" if isinstance(value, str) else "a number"
        raise Invalid("since", shape, f"must be Unix seconds, 0 to {MAX_EXPIRATION}")
    return number


def parse_reason(word: str | None) -> DeadReason:
    """A reason from its word, `IMPORTED` when absent; raise `Invalid` for an unknown one."""
    if word is None:
        return DeadReason.IMPORTED
    try:
        return DeadReason(word)
    except ValueError:
        rule = f"must be one of {', '.join(DeadReason)}"
        raise Invalid("reason", f"text of {len(word)} characters", rule) from None


class _Object(msgspec.Struct, forbid_unknown_fields=True):
    token: str
    since: int | None = None
    reason: str | None = None


_decode = msgspec.json.Decoder(_Object).decode


def _object_fields(text: str) -> tuple[Any, ...]:
    try:
        found = _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise Invalid("line", f"text of {len(text)} characters", _RULE) from None
    return found.token, found.since, found.reason
