"""Installations in the database: the documents, and the registrations that follow from them."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from pushgate.database.interface import Session
from pushgate.hub.store.derived_registrations import derived, slot
from pushgate.hub.store.registration_rows import SELECT, Stored, next_etag, stored
from pushgate.hub.store.registration_writing import Writing, remove, write
from pushgate.hub.store.registrations import new_id
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.registration import Registration

_read: Final = msgspec.json.Decoder(Installation).decode
_PUT: Final = (
    "INSERT INTO installation (id, document, expires_at, updated_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET document = excluded.document, expires_at = excluded.expires_at,"
    " updated_at = excluded.updated_at"
)
_OF: Final = f"{SELECT} WHERE registration.installation_id = ? AND registration.installation_id <> ''"


def put(session: Session, installation: Installation) -> Installation:
    """Keep an installation, in the place of the one that has its id; return it as it is kept.

    Its push channel counts as good: the device has just given it.
    """
    return keep(session, replace(installation, push_channel_expired=False, updated_at=session.now()))


def get(session: Session, installation_id: str) -> Installation:
    """The installation with this id. Raises `UnknownResource`."""
    rows = session.execute(
        "SELECT document FROM installation WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)",
        (installation_id, session.now()),
    )
    if not rows:
        raise UnknownResource("installation")
    return _read(rows[0][0])


def change(
    session: Session, installation_id: str, new: Callable[[Installation], Installation]
) -> Installation:
    """Keep what `new` makes of an installation, which fails with what it raises; return it as it is kept.

    Raises `UnknownResource`. With another handle its push channel counts as good.
    """
    old = get(session, installation_id)
    changed = replace(new(old), id=installation_id, updated_at=session.now())
    if (changed.platform, changed.handle) != (old.platform, old.handle):
        changed = replace(changed, push_channel_expired=False)
    return keep(session, changed)


def delete(session: Session, installation_id: str) -> bool:
    """Delete an installation with its registrations; False when there is none."""
    remove(session, registrations_of(session, installation_id))
    return bool(session.execute("DELETE FROM installation WHERE id = ? RETURNING id", (installation_id,)))


def keep(session: Session, installation: Installation) -> Installation:
    """Keep an installation as it is, and its registrations; return it."""
    session.execute(
        _PUT,
        (
            *(installation.id, msgspec.json.encode(installation)),
            *(installation.expires_at, installation.updated_at),
        ),
    )
    old = {slot(each.registration): each for each in registrations_of(session, installation.id)}
    write(
        session,
        [
            Writing(_next(each, earlier, session.now()), earlier)
            for each in derived(installation)
            for earlier in [old.pop(slot(each), None)]
        ],
    )
    remove(session, list(old.values()))
    return installation


def registrations_of(session: Session, installation_id: str) -> Sequence[Stored]:
    """The registrations of an installation."""
    return [stored(row) for row in session.execute(_OF, (installation_id,))]


def _next(registration: Registration, earlier: Stored | None, now: float) -> Registration:
    """A registration with the id of the one whose place it takes, and the next ETag."""
    if earlier is None:
        return replace(registration, id=new_id(now), etag=next_etag(None))
    old = earlier.registration
    return replace(registration, id=old.id, etag=next_etag(old))
