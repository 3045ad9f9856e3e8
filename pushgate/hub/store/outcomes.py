"""Outcomes in the database: each is counted once, however often it is reported."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from pushgate.hub.store import sends
from pushgate.hub.store.feedback import Entry, keep
from pushgate.hub.store.interface import Session
from pushgate.model.hub.platform import Platform
from pushgate.protocols.telemetry_names import OutcomeName

AT_ONCE: Final = 100
"""Rows of one statement."""


class Reported(msgspec.Struct, frozen=True):
    """What was reported of a run of notifications.

    :param batch: its id as text.
    :param start: the first member.
    :param platform: of the devices; for metrics.
    :param recalled: it corrects an earlier report, of success.
    :param entries: of feedback, if there is any to be kept.
    """

    batch: str
    start: int
    recalled: bool
    name: str
    count: int
    platform: Platform
    entries: tuple[Entry, ...] = ()

    @property
    def place(self) -> tuple[str, int, bool]:
        """What tells it from all others."""
        return self.batch, self.start, self.recalled


def record(session: Session, reports: Sequence[Reported]) -> list[str]:
    """Count what was not reported before; return the sends that ended with it."""
    new = _new(session, reports)
    if not new:
        return []
    counts: Counter[tuple[str, str]] = Counter()
    settled: Counter[str] = Counter()
    for report in new:
        counts[report.batch, report.name] += report.count
        if report.recalled:
            counts[report.batch, str(OutcomeName.SUCCESS)] -= report.count
        settled[report.batch] += 0 if report.recalled else report.count
    sends.count(session, [(batch, name, number) for (batch, name), number in counts.items()])
    now = session.now()
    session.executemany(
        "INSERT INTO batch (id, send, platform, live, settled, at) VALUES (?, '', '', 0, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET settled = batch.settled + excluded.settled",
        [(batch, number, now) for batch, number in settled.items()],
    )
    keep(session, [entry for report in new for entry in report.entries])
    return [send for send in _sends(session, list(settled)) if sends.finish(session, send)]


def _new(session: Session, reports: Sequence[Reported]) -> list[Reported]:
    """Enter reports; return those that were not there."""
    by_place = {report.place: report for report in reports}
    entered = []
    for part in _parts(list(by_place.values())):
        rows: list[object] = []
        for report in part:
            rows += (report.batch, report.start, int(report.recalled), report.name, report.count)
        entered += session.execute(
            "INSERT INTO reported (batch, start, recalled, name, number) VALUES "
            + ", ".join(["(?, ?, ?, ?, ?)"] * len(part))
            + " ON CONFLICT (batch, start, recalled) DO NOTHING RETURNING batch, start, recalled",
            rows,
        )
    return [by_place[batch, start, bool(recalled)] for batch, start, recalled in entered]


def _sends(session: Session, batches: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for at in range(0, len(batches), AT_ONCE):
        part = batches[at : at + AT_ONCE]
        places = ", ".join("?" * len(part))
        rows = session.execute(f"SELECT send FROM batch WHERE send <> '' AND id IN ({places})", part)
        found.update(dict.fromkeys(send for (send,) in rows))
    return list(found)


def _parts(reports: list[Reported]) -> Iterator[list[Reported]]:
    for at in range(0, len(reports), AT_ONCE):
        yield reports[at : at + AT_ONCE]
