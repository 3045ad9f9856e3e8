"""Outcomes in the database: each is counted once, however often it is reported."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from pushgate.database.interface import Session
from pushgate.hub.store import batches
from pushgate.hub.store.feedback import Entry, keep
from pushgate.model.hub.platform import Platform
from pushgate.protocols.telemetry_names import OutcomeName

AT_ONCE: Final = 100
"""Rows of one statement."""


class Reported(msgspec.Struct, frozen=True):
    """What was reported of a run of notifications.

    :param batch: its id as text.
    :param start: the first member.
    :param platform: of the devices; of an app with several platforms one of them, None of one that is no
        longer the hub's. That of the batch goes before it, once it is on record.
    :param recalled: it corrects an earlier report, of success.
    :param entries: of feedback, if there is any to be kept.
    """

    batch: str
    start: int
    recalled: bool
    name: str
    count: int
    platform: Platform | None
    entries: tuple[Entry, ...] = ()

    @property
    def place(self) -> tuple[str, int, bool]:
        """What tells it from all others."""
        return self.batch, self.start, self.recalled


def record(session: Session, reports: Sequence[Reported]) -> Mapping[tuple[Platform, str], int]:
    """Count what was not reported before; return how many outcomes these are, by platform and name."""
    new = _new(session, reports)
    known = _settle(session, new)
    by_platform: Counter[tuple[Platform, str]] = Counter()
    entries: list[Entry] = []
    for report in new:
        _, platform = known.get(report.batch, ("", report.platform))
        if platform is not None:
            by_platform[platform, report.name] += report.count
            entries += [replace(entry, platform=platform) for entry in report.entries]
    keep(session, entries)
    return by_platform


def _settle(session: Session, new: Sequence[Reported]) -> dict[str, tuple[str, Platform]]:
    """Count what is reported with its batches, end sends that have all of theirs; return the batches."""
    counts: Counter[tuple[str, str]] = Counter()
    settled: Counter[str] = Counter()
    for report in new:
        counts[report.batch, report.name] += report.count
        if report.recalled:
            counts[report.batch, str(OutcomeName.SUCCESS)] -= report.count
        settled[report.batch] += 0 if report.recalled else report.count
    batches.count(session, [(batch, name, number) for (batch, name), number in counts.items()])
    now = session.now()
    session.executemany(
        "INSERT INTO batch (id, send, platform, live, settled, at) VALUES (?, '', '', 0, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET settled = batch.settled + excluded.settled",
        [(batch, number, now) for batch, number in settled.items()],
    )
    known = _known(session, list(settled))
    for send in {send: None for send, _ in known.values()}:
        batches.finish(session, send)
    return known


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


def _known(session: Session, ids: list[str]) -> dict[str, tuple[str, Platform]]:
    """Send and platform of those batches of which they are known yet."""
    found: dict[str, tuple[str, Platform]] = {}
    for at in range(0, len(ids), AT_ONCE):
        part = ids[at : at + AT_ONCE]
        places = ", ".join("?" * len(part))
        rows = session.execute(
            f"SELECT id, send, platform FROM batch WHERE send <> '' AND id IN ({places})", part
        )
        found |= {batch: (send, Platform(platform)) for batch, send, platform in rows}
    return found


def _parts(reports: list[Reported]) -> Iterator[list[Reported]]:
    for at in range(0, len(reports), AT_ONCE):
        yield reports[at : at + AT_ONCE]
