"""Server-sent events: outcome records, and word of a gap."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final

import msgspec
from msgspec.structs import replace

from pushgate.model.outcome import DeadToken, Report
from pushgate.model.outcome_record import kept_lines

PIECE: Final = 256
"""Records written at a time: a report may cover a whole batch."""


class Gap(Enum):
    """Why a reader that comes back misses outcomes, and how that is said."""

    REMOVED = "removed", "outcomes behind this id were kept, and are not any more; what is left follows"
    UNKNOWN = "unknown", "this gateway's ledger has not given this id; what happens from now on follows"
    NOT_KEPT = "not-kept", "no ledger sink keeps outcomes; what happens from now on follows"

    def event(self) -> bytes:
        """An event of its own type, so that no reader takes it for an outcome."""
        reason, detail = self.value
        data = msgspec.json.encode({"reason": reason, "detail": detail})
        return b"event: gap\ndata: %b\n\n" % data


def pieces(report: Report, id_of: Callable[[int], str] | None = None) -> Iterator[bytes]:
    """The records of a report, an event each, some at a time.

    :param id_of: returns the id of the event of the notification at this place in the report.
    """
    place = 0
    for part in _parts(report):
        records = kept_lines(part)
        if id_of is None:
            yield "".join([f"data: {line}\n\n" for line in records]).encode()
        else:
            numbered = enumerate(records, place)
            yield "".join([f"id: {id_of(at)}\ndata: {line}\n\n" for at, line in numbered]).encode()
        place += len(records)


def _parts(report: Report) -> Iterator[Report]:
    """The report in parts of at most `PIECE` notifications."""
    if isinstance(report, DeadToken):
        yield report
        return
    span = report.span
    for start in range(span.start, span.stop, PIECE):
        yield replace(report, span=span.part(start, min(start + PIECE, span.stop)))
