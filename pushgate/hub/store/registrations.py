"""Registrations in the database: given an id, kept, changed, found, deleted."""

import secrets
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from pushgate.database.interface import Session
from pushgate.hub.store import many_rows
from pushgate.hub.store.registration_rows import SELECT, Stored, next_etag, stored
from pushgate.hub.store.registration_writing import Writing, remove, write
from pushgate.model.errors import Invalid, Refusal
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
    return create_many(session, [registration])[0]


def create_many(session: Session, registrations: Sequence[Registration]) -> list[Registration]:
    """As `create`, many at once."""
    now = session.now()
    new = [_current(replace(each, id=""), None, now) for each in registrations]
    write(session, [Writing(each) for each in new])
    return new


def put(session: Session, registration: Registration, if_match: str | None = None) -> Registration:
    """Keep a registration under its id, in the place of an earlier one; return it as it is kept.

    :param if_match: the ETag of the earlier one, or `ANY`: there must be one. None: it may also be that the
        id was given out and not used yet.
    :raises Gone: the id is not good, or not any more.
    :raises UnknownResource: there is no earlier one, with `if_match`.
    :raises EtagMismatch: see there.
    """
    [kept] = put_many(session, [(registration, if_match)])
    if isinstance(kept, Refusal):
        raise kept
    return kept


def put_many(
    session: Session, wanted: Sequence[tuple[Registration, str | None]]
) -> list[Registration | Refusal]:
    """As `put`, many at once: each registration with its `if_match`. Return each as it is kept, or its error.

    Of several with the same id each takes the place of the one before it.
    """
    first = {given.id: index for index, (given, _) in reversed(list(enumerate(wanted)))}
    if len(first) < len(wanted):
        return [put_many(session, [each])[0] for each in wanted]
    old = _known(session, list(first))
    unused = [given.id for given, if_match in wanted if given.id not in old and if_match is None]
    given_out = _use_ids(session, unused)
    now = session.now()
    results: list[Registration | Refusal] = []
    writings: list[Writing] = []
    for given, if_match in wanted:
        earlier = old.get(given.id)
        fault = _fault(earlier, if_match, given.id in given_out)
        if fault is None:
            writings.append(Writing(_current(given, earlier, now), earlier))
        results.append(writings[-1].new if fault is None else fault)
    write(session, writings)
    return results


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
    session.grown(len(new))
    return new


_BY_ID: Final = f"{SELECT} WHERE registration.id"


def _known(session: Session, ids: Sequence[str]) -> dict[str, Stored]:
    """The registrations with these ids, by id; those that have expired are left out."""
    now = session.now()
    found = [stored(row) for row in many_rows.where_in(session, _BY_ID, ids)]
    return {
        each.registration.id: each
        for each in found
        if each.registration.expires_at is None or each.registration.expires_at > now
    }


def _existing(session: Session, registration_id: str) -> Stored:
    found = _known(session, [registration_id])
    if not found:
        raise UnknownResource("registration")
    return found[registration_id]


def _fault(old: Stored | None, if_match: str | None, given_out: bool) -> Refusal | None:
    """Why a registration cannot be put in the place of an earlier one, if it cannot.

    :param given_out: its id was, and was not used yet.
    """
    if old is None:
        if if_match is not None:
            return UnknownResource("registration")
        return None if given_out else Gone()
    try:
        _check(old.registration, if_match)
    except Refusal as error:
        return error
    return None


def _check(old: Registration, if_match: str | None) -> None:
    """Check that a registration may be changed."""
    if old.installation_id:
        raise Invalid("RegistrationId", "a part of an installation", "change the installation")
    if if_match not in {None, ANY, old.etag}:
        raise EtagMismatch


def _use_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of these ids that were given out and not used yet; they are used now."""
    head = "DELETE FROM registration_id WHERE id"
    return {name for (name,) in many_rows.where_in(session, head, ids, " RETURNING id")}


def _current(registration: Registration, old: Stored | None, now: float) -> Registration:
    """A registration as it is kept: with an id, with the next ETag, and outside of installations."""
    etag = next_etag(None if old is None else old.registration)
    name = registration.id or new_id(now)
    return replace(registration, id=name, etag=etag, updated_at=now, installation_id="")
