"""The dictionary of tags: each has a number, under which it is found in the index of registrations.

Names are in lower case. A tag keeps its number for good, also while no registration has it: so numbers may be
kept in memory, by each gateway on the database.
"""

from collections.abc import Collection, Iterable
from typing import Final

from pushgate.database.interface import Session
from pushgate.hub.store import many_rows

_KNOWN: Final = 200_000
"""Tags whose numbers are kept in memory at most, for each session."""


def find(session: Session, names: Iterable[str]) -> dict[str, int]:
    """The numbers of those of these tags that any registration ever had."""
    known = session.remembered
    found = {name: known[name] for name in names if name in known}
    if missing := [name for name in names if name not in found]:
        rows = many_rows.where_in(session, "SELECT name, id FROM tag WHERE name", missing)
        _remember(session, rows)
        found.update(rows)
    return found


def ensure(session: Session, names: Collection[str]) -> dict[str, int]:
    """The numbers of these tags, each once, new ones included."""
    found = find(session, names)
    if len(found) < len(names):
        # In their order: two gateways that enter the same ones wait for each other in one direction only.
        rows = sorted((name,) for name in names if name not in found)
        made = many_rows.insert(
            session,
            "INSERT INTO tag (name)",
            rows,
            "ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name, id",
        )
        _remember(session, made)
        found.update(made)
    return found


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
        session.remembered.clear()
    session.remembered.update(rows)
