"""What has expired, and what nothing refers to any more, leaves the database: some at a time."""

from typing import Final

from pushgate.hub.store import installations
from pushgate.hub.store.interface import Session
from pushgate.hub.store.registration_rows import SELECT, stored
from pushgate.hub.store.registration_writing import remove

ROWS: Final = 500
"""Rows of each kind that one call removes at most, so that it is short."""
ID_AGE: Final = 90 * 86400.0
"""Seconds after which an id that was given out and never used is no longer good."""
_EXPIRED: Final = f"{SELECT} WHERE registration.expires_at <= ? AND registration.installation_id = '' LIMIT ?"


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
