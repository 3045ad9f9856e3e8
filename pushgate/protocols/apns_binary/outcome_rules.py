"""Rules for the outcome of a span when its connection ends, one function each."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.apns_binary.status import PERMANENT, reason
from pushgate.protocols.lost_in_flight import Fate, lost

RETRIES: Final = 2
"""How often a notification refused with a temporary status is sent again."""


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
    """In flight on a connection that ended without giving its outcome; see `lost`."""
    return lost(span, in_flight, "ConnectionLost" if status is None else reason(status), status, vanished)


def sort(fates: Iterable[Fate]) -> tuple[tuple[Verdict, ...], tuple[BatchSlice, ...]]:
    """Verdicts apart from spans to be sent again."""
    fates = list(fates)
    return (
        tuple(fate for fate in fates if isinstance(fate, Verdict)),
        tuple(fate for fate in fates if isinstance(fate, BatchSlice)),
    )
