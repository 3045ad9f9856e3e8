"""Registrations in the database, listed page by page."""

from typing import Any, Final

from pushgate.database.interface import Session
from pushgate.hub.store.many_rows import marks
from pushgate.hub.store.registration_rows import SELECT, Stored, stored
from pushgate.model.errors import Invalid
from pushgate.model.hub.registration import RegistrationPage, RegistrationQuery

MOST: Final = 1000
"""Registrations of one page at most."""
_TAGGED: Final = (
    f"{SELECT} JOIN registration_tag ON registration_tag.registration = registration.number"
    " JOIN tag ON tag.id = registration_tag.tag"
)


def page(session: Session, query: RegistrationQuery) -> RegistrationPage:
    """Registrations that a query asks for, in the order in which they came; by tag, in that of their devices.

    Raises `Invalid` when `query.after` is not the end of a page of such a query.
    """
    limit = max(1, min(query.top, MOST))
    conditions, values = _conditions(session, query)
    if query.tag is None:
        head, (last,) = SELECT, _position(query.after, 1)
        conditions.append("registration.number > ?")
        values.append(last)
        order = "registration.number"
    else:
        head, place = _TAGGED, _position(query.after, 2)
        conditions.append(
            "tag.name = ? AND (registration_tag.device, registration_tag.registration) > (?, ?)"
        )
        values += [query.tag.lower(), *place]
        order = "registration_tag.device, registration_tag.registration"
    rows = session.execute(
        f"{head} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?", [*values, limit + 1]
    )
    found = [stored(row) for row in rows[:limit]]
    return RegistrationPage(
        tuple(each.registration for each in found),
        _end(found[-1], query.tag is not None) if len(rows) > limit else "",
    )


def total(session: Session) -> int:
    """How many registrations there are, expired ones that were not removed yet included."""
    return int(session.execute("SELECT COUNT(*) FROM registration")[0][0])


def _conditions(session: Session, query: RegistrationQuery) -> tuple[list[str], list[Any]]:
    conditions = ["(registration.expires_at IS NULL OR registration.expires_at > ?)"]
    values: list[Any] = [session.now()]
    if query.platform is not None:
        conditions.append("registration.platform = ?")
        values.append(str(query.platform))
    if query.handle is not None:
        # Looked up first: with a join SQLite might go through all registrations for the sake of their order.
        devices = session.execute("SELECT number FROM device WHERE handle = ?", (query.handle,))
        among = f"registration.device IN ({marks(len(devices))})" if devices else "1 = 0"
        conditions.append(f"registration.template IN (0, 1) AND {among}")
        values += [number for (number,) in devices]
    return conditions, values


def _position(after: str, parts: int) -> list[int]:
    """The numbers behind which a page begins, from the text for it; 0 of the first page."""
    if not after:
        return [0] * parts
    texts = after.split(".")
    if len(texts) != parts or not all(text.isascii() and text.isdigit() and len(text) < 19 for text in texts):
        raise Invalid("continuationtoken", f"{len(after)} characters", "as the page before gave it")
    return [int(text) for text in texts]


def _end(last: Stored, by_tag: bool) -> str:
    return f"{last.device}.{last.number}" if by_tag else str(last.number)
