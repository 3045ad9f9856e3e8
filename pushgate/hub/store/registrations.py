"""Registrations in the database: given an id, kept, changed, found, deleted."""

import secrets
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from pushgate.hub.store import many_rows
from pushgate.hub.store.interface import Session
from pushgate.hub.store.registration_rows import SELECT, Stored, stored
from pushgate.hub.store.registration_writing import Writing, remove, write
from pushgate.model.errors import Invalid
from pushgate.model.hub.errors import EtagMismatch, Gone, UnknownResource
from pushgate.model.hub.registration import Registration

ANY: Final = "*"
"""The ETag that every entry has."""


def new_id(now: float) -> str:
    """An id that no registration has, of the form that clients know from Azure.

    Ids that are made one after the other stand close together in their index, which is faster for it.

    :param now: Unix seconds.
    """
    chance = int.from_bytes(secrets.token_bytes(8))
    return f"{int(now * 1e6)}{100 + (chance & 511)}-{chance >> 12}-{1 + (chance >> 9 & 7)}"


def give_id(session: Session) -> str:
    """Give out an id for a registration that is to come."""
    now = session.now()
    name = new_id(now)
    session.execute("INSERT INTO registration_id (id, at) VALUES (?, ?)", (name, now))
    return name


def create(session: Session, registration: Registration) -> Registration:
    """Keep a new registration under a new id; return it as it is kept."""
    new = _current(replace(registration, id=""), None, session.now())
    write(session, [Writing(new)])
    return new


def put(session: Session, registration: Registration, if_match: str | None = None) -> Registration:
    """Keep a registration under its id, in the place of an earlier one; return it as it is kept.

    :param if_match: the ETag of the earlier one, or `ANY`: there must be one. None: it may also be that the
        id was given out and not used yet.
    :raises Gone: the id is not good, or not any more.
    :raises UnknownResource: there is no earlier one, with `if_match`.
    :raises EtagMismatch: see there.
    """
    old = _find(session, registration.id)
    if old is None:
        if if_match is not None:
            raise UnknownResource("registration")
        _use_id(session, registration.id)
    else:
        _check(old.registration, if_match)
    new = _current(registration, old, session.now())
    write(session, [Writing(new, old)])
    return new


def get(session: Session, registration_id: str) -> Registration:
    """The registration with this id. Raises `UnknownResource`."""
    return _existing(session, registration_id).registration


def delete(session: Session, registration_id: str, if_match: str | None = None) -> None:
    """Delete a registration. Raises `UnknownResource` and `EtagMismatch`."""
    old = _existing(session, registration_id)
    _check(old.registration, if_match)
    remove(session, [old])


def import_many(session: Session, registrations: Sequence[Registration]) -> list[Registration]:
    """Keep registrations under the ids that they have, whether these were given out or not, or new ones.

    Of two with the same id the later counts. Return them as they are kept.

    :raises Invalid: one of them is a part of an installation; nothing was done.
    """
    now = session.now()
    ids = [given.id for given in registrations if given.id]
    old = {each.registration.id: each for each in map(stored, many_rows.where_in(session, _BY_ID, ids))}
    for each in old.values():
        _check(each.registration, None)
    new = [_current(each, old.get(each.id), now) for each in registrations]
    latest = {each.id: each for each in new}
    write(session, [Writing(each, old.get(each.id)) for each in latest.values()])
    return new


_BY_ID: Final = f"{SELECT} WHERE registration.id"


def _find(session: Session, registration_id: str) -> Stored | None:
    """The registration with this id; None when there is none, or it has expired."""
    rows = session.execute(f"{_BY_ID} = ?", (registration_id,))
    if not rows:
        return None
    found = stored(rows[0])
    expires_at = found.registration.expires_at
    if expires_at is not None and expires_at <= session.now():
        return None
    return found


def _existing(session: Session, registration_id: str) -> Stored:
    found = _find(session, registration_id)
    if found is None:
        raise UnknownResource("registration")
    return found


def _check(old: Registration, if_match: str | None) -> None:
    """Check that a registration may be changed."""
    if old.installation_id:
        raise Invalid("RegistrationId", "a part of an installation", "change the installation")
    if if_match not in {None, ANY, old.etag}:
        raise EtagMismatch


def _use_id(session: Session, name: str) -> None:
    if not session.execute("DELETE FROM registration_id WHERE id = ? RETURNING id", (name,)):
        raise Gone


def _current(registration: Registration, old: Stored | None, now: float) -> Registration:
    """A registration as it is kept: with an id, with the next ETag, and outside of installations."""
    etag = "1" if old is None else str(int(old.registration.etag) + 1)
    name = registration.id or new_id(now)
    return replace(registration, id=name, etag=etag, updated_at=now, installation_id="")
