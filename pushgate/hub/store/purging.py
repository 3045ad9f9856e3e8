"""What has expired, and what nothing refers to any more, leaves the database: some at a time."""

from collections.abc import Sequence
from typing import Final

from pushgate.database.interface import Session
from pushgate.hub.store import installations, many_rows
from pushgate.hub.store.registration_rows import SELECT, stored
from pushgate.hub.store.registration_writing import remove

ROWS: Final = 500
"""Rows of each kind that one call removes at most, so that it is short."""
ID_AGE: Final = 90 * 86400.0
"""Seconds after which an id that was given out and never used is no longer good."""
_EXPIRED: Final = f"{SELECT} WHERE registration.expires_at <= ? AND registration.installation_id = '' LIMIT ?"


def unused_devices(session: Session, after: int) -> list[int]:
    """Numbers of devices without registrations, some of those behind a number, in their order."""
    rows = session.execute(
        "SELECT number FROM device WHERE number > ? AND NOT EXISTS (SELECT 1 FROM registration"
        " WHERE registration.device = device.number AND registration.template IN (0, 1))"
        " ORDER BY number LIMIT ?",
        (after, ROWS),
    )
    return [number for (number,) in rows]


def purge_devices(session: Session, numbers: Sequence[int]) -> bool:
    """Delete devices that have no registrations still; False, and none, while a send is worked on.

    A send meets devices in the order of their numbers. One that was met, deleted and registered again would
    have a new number, and be met twice. A gateway that registers it just now holds its row, so that on
    PostgreSQL one of the two transactions is tried again.
    """
    busy = "SELECT 1 FROM lane WHERE resolved = 0 AND due_at <= ? LIMIT 1"
    if session.execute(busy, (session.now(),)):
        return False
    many_rows.where_in(
        session,
        "DELETE FROM device WHERE NOT EXISTS (SELECT 1 FROM registration WHERE registration.device ="
        " device.number AND registration.template IN (0, 1)) AND number",
        numbers,
    )
    return True


def purge(session: Session) -> bool:
    """Remove expired registrations and installations, and unused ids; True when there may be more.

    A database error in the middle undoes all of the call.
    """
    now = session.now()
    registrations = [stored(row) for row in session.execute(_EXPIRED, (now, ROWS))]
    remove(session, registrations)
    expired = session.execute("SELECT id FROM installation WHERE expires_at <= ? LIMIT ?", (now, ROWS))
    for (name,) in expired:
        installations.delete(session, name)
    ids = session.execute(
        "DELETE FROM registration_id WHERE id IN (SELECT id FROM registration_id WHERE at < ? LIMIT ?)"
        " RETURNING id",
        (now - ID_AGE, ROWS),
    )
    return ROWS in {len(registrations), len(expired), len(ids)}
