"""Rules for the outcome of a span when its connection ends, one function each."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Delivery
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.apns_binary.status import PERMANENT, reason

RETRIES: Final = 2
"""How often a notification refused with a temporary status is sent again."""
TOLERATED_CLOSES: Final = 2
"""Silent closes that a notification is part of before it is suspected of causing them."""

Fate = Verdict | BatchSlice
"""A verdict, or the span as it is to be sent again."""


def accepted(spans: Iterable[BatchSlice]) -> tuple[Verdict, ...]:
    """Proven to be accepted."""
    return tuple(Verdict(span, State.ACCEPTED) for span in spans)


def recalled(span: BatchSlice) -> BatchSlice:
    """Presumed before, and now known better: its next outcome corrects the first."""
    return replace(span, recalled=True)


def refused(span: BatchSlice, status: int) -> Fate:
    """Named by an error response: for good, or for now, or once too often."""
    if status in PERMANENT:
        return Verdict(span, State.REJECTED, status, reason(status))
    if span.retries >= RETRIES:
        return Verdict(span, State.FAILED, status, reason(status))
    return replace(span, retries=span.retries + 1)


def untold(span: BatchSlice, in_flight: int, status: int | None, vanished: bool = False) -> Fate:
    """In flight on a connection that ended without giving its outcome.

    Sent again or not is the batch's delivery policy. A notification that the service cannot parse closes
    each connection it is sent on. So what was part of too many such ends is sent together with ever fewer,
    half as many each time, and what ends a connection alone is given up.

    :param in_flight: how many were.
    :param status: of an error response that named none of them.
    :param vanished: the peer was gone, whatever it was sent.
    """
    why = "ConnectionLost" if status is None else reason(status)
    if span.batch.delivery == Delivery.AT_MOST_ONCE:
        return Verdict(span, State.UNKNOWN, status, why)
    if vanished:
        return span
    if span.alone and in_flight == 1:
        return Verdict(span, State.FAILED, status, "ClosesConnection" if status is None else why)
    closes = span.closes + 1
    return replace(span, closes=closes, alone=max(1, in_flight // 2) if closes >= TOLERATED_CLOSES else 0)


def sort(fates: Iterable[Fate]) -> tuple[tuple[Verdict, ...], tuple[BatchSlice, ...]]:
    """Verdicts apart from spans to be sent again."""
    fates = list(fates)
    return (
        tuple(fate for fate in fates if isinstance(fate, Verdict)),
        tuple(fate for fate in fates if isinstance(fate, BatchSlice)),
    )
