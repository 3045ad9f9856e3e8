"""What becomes of notifications in flight on a connection that ended without giving their outcome."""

from typing import Final

from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Delivery
from pushgate.model.outcome import State, Verdict

TOLERATED_CLOSES: Final = 2
"""Silent closes that a notification is part of before it is suspected of causing them."""

Fate = Verdict | BatchSlice
"""A verdict, or the span as it is to be sent again."""


def lost(
    span: BatchSlice, in_flight: int, why: str, status: int | None = None, vanished: bool = False
) -> Fate:
    """Sent again or not is the batch's delivery policy.

    A notification that the service cannot parse closes each connection it is sent on. So what was part of too
    many such ends is sent together with ever fewer, half as many each time, and what ends a connection alone
    is given up.

    :param in_flight: how many were.
    :param why: for the outcome.
    :param status: of an error response that named none of them.
    :param vanished: the peer was gone, whatever it was sent.
    """
    if span.batch.delivery == Delivery.AT_MOST_ONCE:
        return Verdict(span, State.UNKNOWN, status, why)
    if vanished:
        return span
    if span.alone and in_flight == 1:
        return Verdict(span, State.FAILED, status, "ClosesConnection" if status is None else why)
    closes = span.closes + 1
    return replace(span, closes=closes, alone=max(1, in_flight // 2) if closes >= TOLERATED_CLOSES else 0)
