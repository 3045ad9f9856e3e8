"""What a notification is, and the only place that checks one.

The unit of work is the batch: a run of notifications accepted together for one app, sharing their `Terms`.
A single push is a batch of one.
"""

import re
from enum import IntEnum, StrEnum
from typing import Final
from uuid import UUID

import msgspec

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.packed import Packed

MAX_TOKEN: Final = 100
"""Bytes of a device token at most: "up to 100 bytes" in Apple's final description of the token item."""
MEMBER_BITS: Final = 16
MAX_BATCH: Final = 1 << MEMBER_BITS
"""Notifications of one batch at most: the low 16 bits of an id count its members."""
MAX_RATE: Final = 1e9
"""Notifications per second at most, as good as none."""
MAX_EXPIRATION: Final = (1 << 32) - 1
"""Unix seconds at most: the wire gives an expiration four bytes."""
PUSH_TYPES: Final = frozenset(
    {"alert", "background", "complication", "controls", "fileprovider", "liveactivity", "location", "mdm"}
    | {"pushtotalk", "voip", "widgets"}
)
"""Apple's apns-push-type values."""

_HEX_FILLER: Final = str.maketrans("", "", " <>")
_TOKEN_RULE: Final = f"an even number of hex digits, for 1 to {MAX_TOKEN} bytes"
_are_hex = re.compile("[0-9A-Fa-f]*").fullmatch


class Priority(IntEnum):
    """APNs priorities: how soon the service delivers, and which notifications pass others here."""

    BULK = 5
    URGENT = 10


class Delivery(StrEnum):
    """What a connection that dies without a word means for what was in flight on it."""

    AT_LEAST_ONCE = "at-least-once"
    AT_MOST_ONCE = "at-most-once"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the notifications of one batch share; checked at construction.

    :param expiration: Unix seconds; past it the notification is worthless. 0: do not store, try once.
    :param collapse_id: at most 64 bytes of UTF-8.
    :param registered_at: Unix seconds when the device last gave its token; a later death of the token
        suppresses the notification, an earlier one does not.
    :param delivery: overrides the app's policy.
    :param rate: of the batch, notifications per second at most; 0 sets no limit beside the app's.
    :param pace: at most 255 bytes of UTF-8: batches of an app and priority that name the same one share one
        rate, the one that came last.
    :raises Invalid: naming the field.
    """

    expiration: int | None = None
    priority: Priority = Priority.URGENT
    collapse_id: str | None = None
    push_type: str | None = None
    topic: str | None = None
    registered_at: int | None = None
    delivery: Delivery | None = None
    rate: float = 0.0
    pace: str | None = None

    def __post_init__(self) -> None:
        _seconds("expiration", self.expiration)
        _seconds("registered_at", self.registered_at)
        _text("collapse_id", self.collapse_id, 64)
        _text("topic", self.topic, 255)
        _text("pace", self.pace, 255)
        check_rate(self.rate)
        if self.pace is not None and not self.rate:
            raise Invalid("pace", "given without a rate", "it names what shares a rate")
        parse_priority(self.priority)
        parse_delivery(self.delivery)
        if self.push_type is not None and self.push_type not in PUSH_TYPES:
            raise Invalid("push_type", "not a known word", f"one of {', '.join(sorted(PUSH_TYPES))}")


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What a door hands to the gateway: not yet checked against its app, not yet accepted.

    :param tokens: packed with one length byte.
    :param payload: one JSON object for all, or packed with two length bytes, one for each token.
    :param key: the idempotency key, at most 255 bytes of UTF-8.
    :param doubtful: somebody else may have sent these before and cannot be asked any more. Under at-most-once
        they are then not sent: their outcome is `unknown`.
    :raises Invalid: when the batch as a whole makes no sense.
    """

    app: str
    tokens: Packed
    payload: bytes | Packed
    terms: Terms = msgspec.field(default_factory=Terms)
    key: str | None = None
    doubtful: bool = False

    def __post_init__(self) -> None:
        count = len(self.tokens)
        if not 1 <= count <= MAX_BATCH:
            raise Invalid("tokens", f"{count} tokens", f"a batch has 1 to {MAX_BATCH}")
        if isinstance(self.payload, Packed) and len(self.payload) != count:
            raise Invalid("payloads", f"{len(self.payload)} payloads for {count} tokens", "one each")
        _text("key", self.key, 255)


class Batch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An accepted run of notifications. Member *i* has the id `id` + *i*.

    :param id: a UUID's integer whose low 16 bits are zero.
    :param order: counts the batches of this gateway in the order of acceptance.
    :param accepted_at: Unix seconds.
    :param waiting_since: monotonic seconds; how long it has waited is counted from here.
    :param refused: indices that were refused at the door, ascending: holes, never sent.
    :param door: the name of the input it came through.
    """

    id: int
    order: int
    app: str
    tokens: Packed
    payload: bytes | Packed
    terms: Terms
    delivery: Delivery
    accepted_at: float
    waiting_since: float
    refused: tuple[int, ...] = ()
    door: str = ""

    def __len__(self) -> int:
        return len(self.tokens)

    def payloads(self, start: int, stop: int) -> list[bytes]:
        """The payloads of members `start` to `stop` (excluded)."""
        if isinstance(self.payload, Packed):
            return self.payload.slice(start, stop)
        return [self.payload] * (stop - start)


class _JSONObject(msgspec.Struct):
    """Any JSON object: decoding to it checks the syntax and keeps nothing."""


_check_object = msgspec.json.Decoder(_JSONObject).decode


def batch_id(unix_seconds: float, entropy: int) -> int:
    """The id of a new batch: a version 7 UUID (RFC 9562) as an integer, its low 16 bits zero.

    :param entropy: 58 random bits.
    """
    milliseconds = int(unix_seconds * 1000) & ((1 << 48) - 1)
    high, low = (entropy >> 46) & 0xFFF, entropy & ((1 << 46) - 1)
    return milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low << 16


def parse_token(text: str, field: str = "token") -> bytes:
    """A device token from hex; spaces and ``<>`` of Apple's old notation are allowed.

    :raises Invalid: when it is not 1 to 100 bytes in hex.
    """
    digits = text if text.isalnum() else text.translate(_HEX_FILLER)
    if len(digits) % 2 or not _are_hex(digits):
        raise Invalid(field, f"text of {len(text)} characters", _TOKEN_RULE)
    token = bytes.fromhex(digits)
    if not 1 <= len(token) <= MAX_TOKEN:
        raise Invalid(field, f"{len(token)} bytes", _TOKEN_RULE)
    return token


def parse_id(text: str, field: str = "id") -> int:
    """A notification's id from its UUID; raise `Invalid` for any other text."""
    try:
        return UUID(text).int
    except ValueError:
        raise Invalid(field, f"text of {len(text)} characters", "a UUID") from None


def parse_priority(number: int | None) -> Priority:
    """A priority from its number, 10 when absent; raise `Invalid` for any but 5 and 10."""
    if number is None:
        return Priority.URGENT
    try:
        return Priority(number)
    except ValueError:
        raise Invalid("priority", _shape(number), "5 or 10") from None


def check_rate(rate: float) -> float:
    """A rate in notifications per second, 0 for none; raise `Invalid` for what is none."""
    if not 0 <= rate <= MAX_RATE:
        raise Invalid("rate", "negative, too large, or no number", f"0 (no limit) to {MAX_RATE:g} a second")
    return rate


def parse_delivery(text: str | None) -> Delivery | None:
    """A delivery policy from its name; raise `Invalid` for an unknown one."""
    if text is None:
        return None
    try:
        return Delivery(text)
    except ValueError:
        raise Invalid("delivery", "not a known word", f"one of {', '.join(Delivery)}") from None


def refused_members(submission: Submission, max_payload: int) -> list[tuple[int, Refusal]]:
    """The members of a submission that cannot be sent, ascending, each with the reason.

    :param max_payload: bytes of UTF-8.
    :raises Invalid, TooLarge: when the one payload that all share cannot be sent.
    """
    faults: dict[int, Refusal] = {}
    if isinstance(submission.payload, Packed):
        for index, payload in enumerate(submission.payload):
            try:
                check_payload(payload, max_payload)
            except Refusal as refusal:
                faults[index] = refusal
    else:
        check_payload(submission.payload, max_payload)
    if not all(1 <= length <= MAX_TOKEN for length in submission.tokens.lengths()):
        for index, token in enumerate(submission.tokens):
            if not 1 <= len(token) <= MAX_TOKEN:
                faults[index] = Invalid("token", f"{len(token)} bytes", f"1 to {MAX_TOKEN} bytes")
    return sorted(faults.items())


def check_payload(payload: bytes, max_payload: int) -> None:
    """Raise `TooLarge` or `Invalid` unless `payload` is a JSON object within `max_payload` UTF-8 bytes."""
    if len(payload) > max_payload:
        raise TooLarge("payload", len(payload), max_payload)
    try:
        _check_object(payload)
        if not payload.isascii():
            payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("payload", f"{len(payload)} bytes", "a JSON object in UTF-8") from None


def _seconds(field: str, value: int | None) -> None:
    if value is not None and not 0 <= value <= MAX_EXPIRATION:
        raise Invalid(field, _shape(value), f"Unix seconds, 0 to {MAX_EXPIRATION}")


def _shape(number: int) -> str:
    return f"the number {number}" if abs(number) < 10**12 else f"a number of {number.bit_length()} bits"


def _text(field: str, value: str | None, limit: int) -> None:
    if value is None:
        return
    rule = f"1 to {limit} bytes of UTF-8"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:  # JSON can spell half a surrogate pair
        raise Invalid(field, f"{len(value)} characters, not all of them Unicode", rule) from None
    if not 1 <= size <= limit:
        raise Invalid(field, f"{size} bytes", rule)
