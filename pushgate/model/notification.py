"""What a notification is, and what holds for every one, whichever push service it goes to.

The unit of work is the batch: a run of notifications accepted together for one app, sharing their `Terms`.
A single push is a batch of one.
"""

import re
from enum import IntEnum, StrEnum
from typing import Final
from uuid import UUID

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm

MEMBER_BITS: Final = 16
MAX_BATCH: Final = 1 << MEMBER_BITS
"""Notifications of one batch at most: the low 16 bits of an id count its members."""
MAX_RATE: Final = 1e9
"""Notifications per second at most, as good as none."""
MAX_EXPIRATION: Final = (1 << 32) - 1
"""Unix seconds at most: the wire gives an expiration four bytes."""
_is_header: Final = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?").fullmatch
"""What the value of a header may be."""


class Priority(IntEnum):
    """APNs priorities: how soon the service delivers, and which notifications pass others here."""

    LOW = 1
    """Only when the device is awake anyway."""
    BULK = 5
    URGENT = 10


class Delivery(StrEnum):
    """What a connection that dies without a word means for what was in flight on it."""

    AT_LEAST_ONCE = "at-least-once"
    AT_MOST_ONCE = "at-most-once"


class Terms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the notifications of one batch share; checked at construction.

    :param expiration: Unix seconds; past it the notification is worthless. 0: do not store, try once.
    :param priority: None: the usual one, which is `URGENT` unless the kind of push has another.
    :param collapse_id: at most 64 bytes of UTF-8.
    :param registered_at: Unix seconds when the device last gave its token; a later death of the token
        suppresses the notification, an earlier one does not.
    :param delivery: overrides the app's policy.
    :param rate: of the batch, notifications per second at most; 0 sets no limit beside the app's.
    :param pace: at most 255 bytes of UTF-8: batches of an app and priority that name the same one share one
        rate, the one that came last.
    :param channel: the id of a channel of the push service: what is sent goes to all that listen on it, not
        to a device.
    :param headers: further headers that the push service is given as they are: names in lower case, values of
        printable ASCII.
    :raises Invalid: naming the field.
    """

    expiration: int | None = None
    priority: Priority | None = None
    collapse_id: str | None = None
    push_type: str | None = None
    topic: str | None = None
    registered_at: int | None = None
    delivery: Delivery | None = None
    rate: float = 0.0
    pace: str | None = None
    channel: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _seconds("expiration", self.expiration)
        _seconds("registered_at", self.registered_at)
        _text("collapse_id", self.collapse_id, 64)
        _text("push_type", self.push_type, 64)
        _text("topic", self.topic, 255)
        _text("pace", self.pace, 255)
        _text("channel", self.channel, 255)
        for name, value in self.headers:
            if not _is_header(value):
                raise Invalid(name, f"text of {len(value)} characters", "1 to 255 of printable ASCII")
        check_rate(self.rate)
        if self.pace is not None and not self.rate:
            raise Invalid("pace", "given without a rate", "it names what shares a rate")
        parse_priority(self.priority)
        parse_delivery(self.delivery)


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What an input hands to the gateway: not yet checked against its app, not yet accepted.

    :param tokens: the targets, packed with one or two length bytes; with a channel each is `channel_target`.
    :param payload: one JSON object for all, or packed with two length bytes, one for each token.
    :param key: the idempotency key, at most 255 bytes of UTF-8.
    :param doubtful: another gateway may have sent these before and cannot be asked. Under at-most-once
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
        check_key(self.key)


class Batch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An accepted run of notifications. Member *i* has the id `id` + *i*.

    :param id: a UUID's integer whose low 16 bits are zero.
    :param tokens: the targets, each behind two length bytes.
    :param order: counts the batches of this gateway in the order of acceptance.
    :param accepted_at: Unix seconds.
    :param waiting_since: monotonic seconds; how long it has waited is counted from here.
    :param refused: indices that were refused at once, ascending: holes, never sent.
    :param origin: the name of the input it came through.
    :param form: how its targets are written as text.
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
    origin: str = ""
    form: TargetForm = TargetForm.HEX

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def priority(self) -> Priority:
        """How soon it is sent: what its terms say, `URGENT` when they say nothing."""
        return self.terms.priority or Priority.URGENT

    def payloads(self, start: int, stop: int) -> list[bytes]:
        """The payloads of members `start` to `stop` (excluded)."""
        if isinstance(self.payload, Packed):
            return self.payload.slice(start, stop)
        return [self.payload] * (stop - start)


def batch_id(unix_seconds: float, entropy: int) -> int:
    """The id of a new batch: a version 7 UUID (RFC 9562) as an integer, its low 16 bits zero.

    :param entropy: 58 random bits.
    """
    milliseconds = int(unix_seconds * 1000) & ((1 << 48) - 1)
    high, low = (entropy >> 46) & 0xFFF, entropy & ((1 << 46) - 1)
    return milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low << 16


def parse_id(text: str, field: str = "id") -> int:
    """A notification's id from its UUID; raise `Invalid` for any other text."""
    try:
        return UUID(text).int
    except ValueError:
        raise Invalid(field, f"text of {len(text)} characters", "a UUID") from None


def parse_priority(number: int | None) -> Priority | None:
    """A priority from its number; raise `Invalid` for any but 1, 5 and 10."""
    if number is None:
        return None
    try:
        return Priority(number)
    except ValueError:
        raise Invalid("priority", _shape(number), "1, 5 or 10") from None


def check_rate(rate: float) -> float:
    """A rate in notifications per second, 0 for none; raise `Invalid` for what is none."""
    if not 0 <= rate <= MAX_RATE:
        raise Invalid("rate", "negative, too large, or no number", f"0 (no limit) to {MAX_RATE:g} a second")
    return rate


def check_key(key: str | None) -> None:
    """Raise `Invalid` for an idempotency key that is none."""
    _text("key", key, 255)


def parse_delivery(text: str | None) -> Delivery | None:
    """A delivery policy from its name; raise `Invalid` for an unknown one."""
    if text is None:
        return None
    try:
        return Delivery(text)
    except ValueError:
        raise Invalid("delivery", "not a known word", f"one of {', '.join(Delivery)}") from None


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
