"""The last outcomes, a few of each second: their records, without tokens that could be pushed to."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from msgspec import Raw

from pushgate.model.outcome import TAKEN, DeadToken, Report
from pushgate.model.outcome_record import Tokens, lines

EACH: Final = 20
"""Records that a page is given in a second at most."""
SAMPLED: Final = 8
"""Notifications of each app and state that are looked at in a second."""
KEPT: Final = 200
"""Records that a page can be given when it begins to look on."""


class Record(NamedTuple):
    """A record.

    :param well: the push service has the notification, as far as one can know.
    """

    app: str
    well: bool
    json: Raw


class LatestOutcomes:
    """Keeps the last records."""

    def __init__(self) -> None:
        self._kept: deque[Record] = deque(maxlen=KEPT)

    def add(self, reports: Iterable[Report]) -> list[Record]:
        """Keep the records of these reports; returns them."""
        records = [
            Record(report.app, _is_well(report), Raw(line.encode()))
            for report in reports
            for line in lines(report, Tokens.HASH)
        ]
        self._kept.extend(records)
        return records

    def last(self, wanted: Callable[[str], bool]) -> list[Raw]:
        """The last records, of the apps that are wanted."""
        return [record.json for record in self._kept if wanted(record.app)][-EACH:]

    def clear(self) -> None:
        """Keep none."""
        self._kept.clear()


def chosen(records: Iterable[Record], wanted: Callable[[str], bool]) -> list[Raw]:
    """Records of the apps that are wanted, at most `EACH`: what goes well gives way to what does not."""
    found = [record for record in records if wanted(record.app)]
    ill = _some([record for record in found if not record.well], EACH // 2)
    well = _some([record for record in found if record.well], EACH - len(ill))
    kept = {id(record) for record in (*ill, *well)}
    return [record.json for record in found if id(record) in kept]


def _some(records: list[Record], most: int) -> list[Record]:
    """So many of them at most, from all of them alike."""
    number = len(records)
    return records if number <= most else [records[place * number // most] for place in range(most)]


def _is_well(report: Report) -> bool:
    return not isinstance(report, DeadToken) and report.state in TAKEN
