"""Values that many tests need: the protocol notes' own token and payload, batches, spans, cuts."""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch, Delivery, Priority, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm, channel_target
from pushgate.protocols.apns_rules import APNS_RULES

TOKEN = bytes(range(32))
PAYLOAD = b'{"aps":{"alert":"Hi"}}'
CHANNEL = "dHN0LXNyY2gtY2hubA=="
"""A channel's id, as Apple's documentation has one."""
WITH_CHANNELS = replace(APNS_RULES, channels=True)
"""What an upstream takes that can broadcast."""
OF_TEXT = NotificationRules(
    text_payloads=True, max_payload=40, check_target=lambda _: None, check_payload=lambda _: None
)
"""What an upstream takes whose targets and payloads are text."""
XML = '<toast>„🔔"\\</toast>'
"""A payload for it, which JSON cannot hold as it is."""
ID = 0x018F_0000_0000_7000_8000_0000_0000_0000
"""A batch's id: its low 16 bits are zero."""


def token(number: int) -> bytes:
    """A device token of 32 bytes, another one for each number."""
    return number.to_bytes(32, "big")


def batch(
    count: int = 1,
    *,
    order: int = 0,
    tokens: list[bytes] | None = None,
    payload: bytes | Packed = PAYLOAD,
    priority: Priority = Priority.URGENT,
    waiting_since: float = 0.0,
    refused: tuple[int, ...] = (),
    **terms: Any,
) -> Batch:
    """An accepted batch of `count` notifications, or of one for each of `tokens`."""
    return Batch(
        id=ID + (order << 16),
        order=order,
        app="news",
        tokens=Packed.of(tokens or [token(index) for index in range(count)], 2),
        payload=payload,
        terms=Terms(priority=priority, **terms),
        delivery=Delivery.AT_LEAST_ONCE,
        accepted_at=1_700_000_000.0,
        waiting_since=waiting_since,
        refused=refused,
    )


def span(count: int = 1, **batch_arguments: Any) -> BatchSlice:
    """A whole batch as one span."""
    whole = batch(count, **batch_arguments)
    return BatchSlice(whole, 0, len(whole))


def broadcast(count: int = 1, channel: str = CHANNEL, **terms: Any) -> BatchSlice:
    """A whole batch of notifications to a channel."""
    of = batch(tokens=[channel_target(channel)] * count, channel=channel, **terms)
    return BatchSlice(replace(of, form=TargetForm.CHANNEL), 0, count)


def at_every_byte(data: bytes) -> list[list[bytes]]:
    """All ways to cut `data` in two, and the one into single bytes."""
    halves = [[data[:cut], data[cut:]] for cut in range(len(data) + 1)]
    return [*halves, [data[at : at + 1] for at in range(len(data))]]


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` as the pieces in which a network might bring it."""
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:stop] for start, stop in zip([0, *at], [*at, len(data)], strict=True)]
