"""Registrations are written, and removed, with their devices and tags: one, or many at a time."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from pushgate.database.interface import Session
from pushgate.hub.store import many_rows, tags
from pushgate.hub.store.registration_rows import Stored, document
from pushgate.model.hub.registration import Registration

_INSERT: Final = (
    "INSERT INTO registration (id, device, platform, template, tags, document, etag, expires_at, updated_at,"
    " installation_id)"
)
_UPSERT: Final = (
    "ON CONFLICT (id) DO UPDATE SET device = excluded.device, platform = excluded.platform,"
    " template = excluded.template, tags = excluded.tags, document = excluded.document,"
    " etag = excluded.etag, expires_at = excluded.expires_at, updated_at = excluded.updated_at"
    " RETURNING id, number"
)
_INSERT_DEVICE: Final = "INSERT INTO device (platform, handle)"
_UPSERT_DEVICE: Final = (
    "ON CONFLICT (handle, platform) DO UPDATE SET platform = excluded.platform"
    " RETURNING platform, handle, number"
)
_UPDATE: Final = (
    "UPDATE registration SET tags = ?, document = ?, etag = ?, expires_at = ?, updated_at = ?"
    " WHERE number = ?"
)
_ADD_TAGS: Final = "INSERT INTO registration_tag (tag, device, registration)"
_REMOVE_TAGS: Final = "DELETE FROM registration_tag WHERE tag = ? AND device = ? AND registration = ?"

Device = tuple[str, bytes]
TagRow = tuple[int, int, int]


class Writing(msgspec.Struct, gc=False):
    """A registration that is to be written, complete, and the earlier one that it takes the place of."""

    new: Registration
    old: Stored | None = None

    @property
    def stays(self) -> bool:
        """Whether it is of the same device and kind as before."""
        old = None if self.old is None else self.old.registration
        return old is not None and (
            (old.platform, old.handle, old.template is None)
            == (self.new.platform, self.new.handle, self.new.template is None)
        )


def write(session: Session, writings: Sequence[Writing]) -> None:
    """Write registrations, no two with the same id."""
    new = [_names(each.new) for each in writings]
    old = [() if each.old is None else _names(each.old.registration) for each in writings]
    numbers = tags.ensure(session, {name for names in (*new, *old) for name in names})
    added: list[TagRow] = []
    removed: list[TagRow] = []
    for each, place, names, earlier in zip(writings, _places(session, writings), new, old, strict=True):
        kept = set(names).intersection(earlier) if each.stays else ()
        added += [(numbers[name], *place) for name in names if name not in kept]
        if each.old is not None:
            mine = each.old.device, each.old.number
            removed += [(numbers[name], *mine) for name in earlier if name not in kept]
    if removed:
        session.executemany(_REMOVE_TAGS, removed)
    added.sort()
    many_rows.insert(session, _ADD_TAGS, added, "ON CONFLICT (tag, device, registration) DO NOTHING")


def remove(session: Session, entries: Sequence[Stored]) -> None:
    """Delete registrations. Their devices stay, so that they keep their numbers while sends go on."""
    if not entries:
        return
    found = [(each, _names(each.registration)) for each in entries]
    numbers = tags.find(session, {name for _, names in found for name in names})
    session.executemany(
        _REMOVE_TAGS, [(numbers[name], each.device, each.number) for each, names in found for name in names]
    )
    many_rows.where_in(session, "DELETE FROM registration WHERE number", [each.number for each in entries])


def _devices(session: Session, wanted: Iterable[Device]) -> dict[Device, int]:
    """The numbers of devices, of new ones too."""
    once = sorted(set(wanted))  # sorted, so that two gateways do not wait for each other
    rows = many_rows.insert(session, _INSERT_DEVICE, once, _UPSERT_DEVICE)
    return {(platform, bytes(handle)): number for platform, handle, number in rows}


def _places(session: Session, writings: Sequence[Writing]) -> Iterator[tuple[int, int]]:
    """Write the rows of registrations; return the numbers of device and row of each."""
    moving = [each.new for each in writings if not each.stays]
    devices = _devices(session, [(str(new.platform), new.handle) for new in moving])
    rows = [_row(new, devices[str(new.platform), new.handle]) for new in moving]
    numbers: dict[str, int] = dict(many_rows.insert(session, _INSERT, rows, _UPSERT))
    _update(session, [(each.new, each.old.number) for each in writings if each.stays and each.old])
    for each in writings:
        number = numbers.get(each.new.id)
        if number is None:
            assert each.old is not None
            yield each.old.device, each.old.number
        else:
            yield devices[str(each.new.platform), each.new.handle], number


def _row(new: Registration, device: int) -> tuple[object, ...]:
    return (
        *(new.id, device, str(new.platform), int(new.template is not None), ",".join(new.tags)),
        *(document(new), new.etag, new.expires_at, new.updated_at, new.installation_id),
    )


def _update(session: Session, entries: Sequence[tuple[Registration, int]]) -> None:
    rows = [
        (",".join(new.tags), document(new), new.etag, new.expires_at, new.updated_at, number)
        for new, number in entries
    ]
    if rows:
        session.executemany(_UPDATE, rows)


def _names(registration: Registration) -> Collection[str]:
    """The tags of a registration in lower case; some possibly twice."""
    return ",".join(registration.tags).lower().split(",") if registration.tags else ()
