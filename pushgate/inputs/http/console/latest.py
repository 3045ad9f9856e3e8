"""The latest outcome records, a sample of each second, with hashed tokens."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from msgspec import Raw

from pushgate.model.outcome import TAKEN, DeadToken, Report
from pushgate.model.outcome_record import Tokens, lines

EACH: Final = 20
"""Records that are sent to a page per second at most."""
SAMPLED: Final = 8
"""Notifications that are sampled per second, of each app and state."""
KEPT: Final = 200
"""Records that are kept for pages that open later."""


class Record(NamedTuple):
    """A record.

    :param well: the push service accepted the notification, or presumably did.
    """

    app: str
    well: bool
    json: Raw


class LatestOutcomes:
    """Keeps the latest records."""

    def __init__(self) -> None:
        self._kept: deque[Record] = deque(maxlen=KEPT)

    def add(self, reports: Iterable[Report]) -> list[Record]:
        """Keep the records of these reports, and return them."""
        records = [
            Record(report.app, _is_well(report), Raw(line.encode()))
            for report in reports
            for line in lines(report, Tokens.HASH)
        ]
        self._kept.extend(records)
        return records

    def last(self, wanted: Callable[[str], bool]) -> list[Raw]:
        """Return the latest records of the wanted apps, `EACH` at most."""
        return [record.json for record in self._kept if wanted(record.app)][-EACH:]

    def clear(self) -> None:
        """Drop all records."""
        self._kept.clear()


def chosen(records: Iterable[Record], wanted: Callable[[str], bool]) -> list[Raw]:
    """Return at most `EACH` records of the wanted apps; those of failures come before those of successes."""
    found = [record for record in records if wanted(record.app)]
    ill = _some([record for record in found if not record.well], EACH // 2)
    well = _some([record for record in found if record.well], EACH - len(ill))
    kept = {id(record) for record in (*ill, *well)}
    return [record.json for record in found if id(record) in kept]


def _some(records: list[Record], most: int) -> list[Record]:
    """Return at most so many records, evenly spaced."""
    number = len(records)
    return records if number <= most else [records[place * number // most] for place in range(most)]


def _is_well(report: Report) -> bool:
    return not isinstance(report, DeadToken) and report.state in TAKEN
