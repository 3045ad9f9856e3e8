"""The dictionary of tags: each has a number, under which it is found in the index of registrations.

Names are in lower case. Numbers are kept in memory by each session of each gateway on the database, for a
while. So a tag that no registration has any more goes in two steps: it is marked as unused (`mark_unused`),
and deleted only when every memory of it from before has ended (`delete_unused`). A marked tag is kept in no
memory, and to use it again takes the mark away. That writes its row: if it is deleted at the same moment, on
PostgreSQL the deletion is tried again and finds it used, or the tag is made anew.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from pushgate.database.interface import Session
from pushgate.database.remembered import Remembered
from pushgate.hub.store import many_rows

_KNOWN: Final = 200_000
"""Tags whose numbers are kept in memory at most, for each session."""
MEMORY: Final = 600
"""Seconds for which they are kept."""
UNUSED: Final = 3600.0
"""Seconds from the mark of a tag to its end: many times `MEMORY`, and longer than any transaction."""
LOOKED_AT: Final = 2000
"""Tags that one call looks at, or deletes, at most, so that it is short."""
_USED: Final = "EXISTS (SELECT 1 FROM registration_tag WHERE registration_tag.tag = tag.id)"


def find(session: Session, names: Iterable[str]) -> dict[str, int]:
    """The numbers of those of these tags that are known."""
    found, unused = _look_up(session, names)
    return found | unused


def ensure(session: Session, names: Collection[str]) -> dict[str, int]:
    """The numbers of these tags, each once, new ones included; they are going to be used."""
    found, _ = _look_up(session, names)
    if len(found) < len(names):
        # In their order: two gateways that enter the same ones wait for each other in one direction only.
        rows = sorted((name,) for name in names if name not in found)
        made = many_rows.insert(
            session,
            "INSERT INTO tag (name)",
            rows,
            "ON CONFLICT (name) DO UPDATE SET unused_since = NULL RETURNING name, id",
        )
        _remember(session, made)
        found.update(made)
    return found


def _look_up(session: Session, names: Iterable[str]) -> tuple[dict[str, int], dict[str, int]]:
    """The numbers of those of these tags that are known; apart, of those that are marked as unused."""
    since = session.remembered.since
    if since is not None and not 0 <= session.now() - since <= MEMORY:
        session.remembered = Remembered()
    known = session.remembered
    found = {name: known[name] for name in names if name in known}
    unused: dict[str, int] = {}
    if missing := [name for name in names if name not in found]:
        rows = many_rows.where_in(session, "SELECT name, id, unused_since FROM tag WHERE name", missing)
        used = [(name, number) for name, number, since in rows if since is None]
        unused.update((name, number) for name, number, since in rows if since is not None)
        _remember(session, used)
        found.update(used)
    return found, unused


def without_registrations(session: Session, after: int) -> tuple[int | None, list[int]]:
    """The last of some tags behind a number, None of none; and those of them that no registration has."""
    rows = session.execute(
        f"SELECT id, CASE WHEN unused_since IS NOT NULL OR {_USED} THEN 1 ELSE 0 END FROM tag"
        " WHERE id > ? ORDER BY id LIMIT ?",
        (after, LOOKED_AT),
    )
    return rows[-1][0] if rows else None, [number for number, is_used in rows if not is_used]


def mark_unused(session: Session, numbers: Sequence[int]) -> None:
    """Mark those of these tags that no registration has still."""
    statement = f"UPDATE tag SET unused_since = ? WHERE id = ? AND unused_since IS NULL AND NOT {_USED}"
    now = session.now()
    session.executemany(statement, [(now, number) for number in numbers])


def delete_unused(session: Session) -> bool:
    """Delete tags that are marked for long, and have no registration still; True when there may be more."""
    old = session.execute(
        f"SELECT id, CASE WHEN {_USED} THEN 1 ELSE 0 END FROM tag WHERE unused_since < ?"
        " ORDER BY unused_since LIMIT ?",
        (session.now() - UNUSED, LOOKED_AT),
    )
    gone = [number for number, is_used in old if not is_used]
    many_rows.where_in(session, "DELETE FROM tag WHERE unused_since IS NOT NULL AND id", gone)
    used = [(number,) for number, is_used in old if is_used]  # by one that had its number in memory
    session.executemany("UPDATE tag SET unused_since = NULL WHERE id = ?", used)
    return len(old) == LOOKED_AT


def page(session: Session, after: str, limit: int) -> list[tuple[str, int]]:
    """Tags that registrations have, in their order behind one, each with the number of these."""
    found: list[tuple[str, int]] = []
    while len(found) < limit:
        rows = session.execute(
            "SELECT name, (SELECT COUNT(*) FROM registration_tag WHERE registration_tag.tag = tag.id)"
            " FROM tag WHERE name > ? ORDER BY name LIMIT ?",
            (after, limit),
        )
        found += [(name, number) for name, number in rows if number]
        if len(rows) < limit:
            break
        after = rows[-1][0]
    return found[:limit]


def _remember(session: Session, rows: Iterable[tuple[str, int]]) -> None:
    if len(session.remembered) > _KNOWN:
        session.remembered = Remembered()
    known = session.remembered
    known.since = session.now() if known.since is None else known.since
    known.update(rows)
