"""Dead devices leave the database, and devices get their new handles."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from pushgate.database.interface import Session
from pushgate.hub.store import installations
from pushgate.hub.store.registration_rows import SELECT, Stored, next_etag, stored
from pushgate.hub.store.registration_writing import Writing, remove, write
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration

# In no order: SQLite might go through all registrations for the sake of it.
_OF_DEVICE: Final = (
    f"{SELECT} WHERE device.platform = ? AND device.handle = ? AND registration.template IN (0, 1)"
)
_CHANGED: Final = "UPDATE registration SET etag = ? WHERE number = ?"
Death = tuple[Platform, bytes, float]
"""A handle that is dead since a time in Unix seconds: a registration that was updated later is good."""


def prune(session: Session, deaths: Iterable[Death]) -> int:
    """Delete the registrations of dead handles; return how many.

    An installation stays, without registrations and with its push channel marked as expired.
    """
    found = [
        each
        for platform, handle, since in deaths
        for each in of_device(session, platform, handle)
        if each.registration.updated_at < since
    ]
    remove(session, found)
    for installation in _installations(session, found):
        installations.keep(session, replace(installation, push_channel_expired=True))
    return len(found)


def replace_handle(session: Session, platform: Platform, old: bytes, new: bytes) -> int:
    """Give the registrations of a handle another one; return how many.

    They keep their device, unless the new handle is known: then they go to that one's device.
    """
    found = of_device(session, platform, old)
    if not found or old == new:
        return 0
    if session.execute("SELECT number FROM device WHERE platform = ? AND handle = ?", (str(platform), new)):
        write(session, [Writing(_moved(each.registration, new), each) for each in found])
    else:
        session.execute("UPDATE device SET handle = ? WHERE number = ?", (new, found[0].device))
        session.executemany(_CHANGED, [(next_etag(each.registration), each.number) for each in found])
    for installation in _installations(session, found):
        installations.keep(session, _with_handle(installation, new))
    return len(found)


def of_device(session: Session, platform: Platform, handle: bytes) -> Sequence[Stored]:
    """The registrations of a handle."""
    return [stored(row) for row in session.execute(_OF_DEVICE, (str(platform), handle))]


def _moved(registration: Registration, handle: bytes) -> Registration:
    return replace(registration, handle=handle, etag=next_etag(registration))


def _installations(session: Session, entries: Iterable[Stored]) -> Iterator[Installation]:
    """The installations that registrations are a part of."""
    for name in dict.fromkeys(each.registration.installation_id for each in entries):
        if name:
            with suppress(UnknownResource):  # it has expired
                yield installations.get(session, name)


def _with_handle(installation: Installation, handle: bytes) -> Installation:
    """An installation with another handle. Only handles that are the push channel itself are replaced so."""
    text = handle.hex() if installation.platform is Platform.APNS else handle.decode("utf-8", "replace")
    return replace(installation, handle=handle, push_channel=text)
