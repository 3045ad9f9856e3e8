"""Requests without an answer, and members of slices brought together again."""

from collections.abc import Iterable

from pushgate.model.batch_slice import BatchSlice

Sent = tuple[BatchSlice, int, float, int]
"""A request without an answer: its slice and the member in it, when it was written (monotonic seconds), and
the serial of the provider token."""


def member(sent: Sent) -> BatchSlice:
    """The notification that was written."""
    return sent[0].part(sent[1], sent[1] + 1)


def bare(sent: Iterable[Sent]) -> list[BatchSlice]:
    """The notifications that were written, in as few slices as may be."""
    return [span for span, _ in runs([(each, "") for each in sent])]


def _place(entry: tuple[Sent, str]) -> tuple[int, int]:
    (span, index, *_), _ = entry
    return span.batch.order, index


def runs(entries: list[tuple[Sent, str]]) -> list[tuple[BatchSlice, str]]:
    """Members in as few slices as may be: neighbours of one slice together, unless they have unique ids."""
    runs: list[tuple[BatchSlice, str]] = []
    of: BatchSlice | None = None
    first = end = 0
    for (span, index, *_), unique_id in sorted(entries, key=_place):
        if span is of and index == end and not unique_id:
            end += 1
            continue
        if of is not None:
            runs.append((of.part(first, end), ""))
        of, first, end = span, index, index + 1
        if unique_id:
            runs.append((span.part(index, index + 1), unique_id))
            of = None
    if of is not None:
        runs.append((of.part(first, end), ""))
    return runs
