"""Registrations are written, and removed, with their devices and tags: one, or many at a time."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from pushgate.hub.store import many_rows, tags
from pushgate.hub.store.interface import Session
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
    numbers = tags.ensure(session, {tag for each in writings for tag in _tags(each)})
    stay = [each for each in writings if each.stays]
    move = [each for each in writings if not each.stays]
    devices = _devices(session, [(str(each.new.platform), each.new.handle) for each in move])
    added: list[tuple[int, int, int]] = []
    removed: list[tuple[int, int, int]] = []
    for each in stay:
        assert each.old is not None
        place = each.old.device, each.old.number
        before, after = _own_tags(each.old.registration), _own_tags(each.new)
        removed += [(numbers[tag], *place) for tag in before - after]
        added += [(numbers[tag], *place) for tag in after - before]
    for each, place in zip(move, _insert(session, move, devices), strict=True):
        if each.old is not None:
            removed += _tag_rows(each.old, numbers)
        added += [(numbers[tag], *place) for tag in _own_tags(each.new)]
    _update(session, stay)
    if removed:
        session.executemany(_REMOVE_TAGS, removed)
    added.sort()
    many_rows.insert(session, _ADD_TAGS, added, "ON CONFLICT (tag, device, registration) DO NOTHING")


def remove(session: Session, entries: Sequence[Stored]) -> None:
    """Delete registrations. Their devices stay, so that they keep their numbers while sends go on."""
    if not entries:
        return
    numbers = tags.find(session, {tag for each in entries for tag in _own_tags(each.registration)})
    session.executemany(_REMOVE_TAGS, [row for each in entries for row in _tag_rows(each, numbers)])
    many_rows.where_in(session, "DELETE FROM registration WHERE number", [each.number for each in entries])


def _devices(session: Session, wanted: Iterable[Device]) -> dict[Device, int]:
    """The numbers of devices, of new ones too."""
    once = sorted(set(wanted))  # sorted, so that two gateways do not wait for each other
    rows = many_rows.insert(session, _INSERT_DEVICE, once, _UPSERT_DEVICE)
    return {(platform, bytes(handle)): number for platform, handle, number in rows}


def _insert(
    session: Session, writings: Sequence[Writing], devices: dict[Device, int]
) -> list[tuple[int, int]]:
    """Insert registrations, or move them to another device; return the numbers of device and row of each."""
    places = [devices[str(each.new.platform), each.new.handle] for each in writings]
    rows = [_row(each.new, device) for each, device in zip(writings, places, strict=True)]
    numbers: dict[str, int] = dict(many_rows.insert(session, _INSERT, rows, _UPSERT))
    return [(device, numbers[each.new.id]) for each, device in zip(writings, places, strict=True)]


def _row(new: Registration, device: int) -> tuple[object, ...]:
    return (
        *(new.id, device, str(new.platform), int(new.template is not None), ",".join(new.tags)),
        *(document(new), new.etag, new.expires_at, new.updated_at, new.installation_id),
    )


def _update(session: Session, writings: Sequence[Writing]) -> None:
    rows = [
        (",".join(new.tags), document(new), new.etag, new.expires_at, new.updated_at, each.old.number)
        for each in writings
        if (new := each.new) and each.old is not None
    ]
    if len(rows) == 1:
        session.execute(_UPDATE, rows[0])
    elif rows:
        session.executemany(_UPDATE, rows)


def _tags(each: Writing) -> set[str]:
    old = set() if each.old is None else _own_tags(each.old.registration)
    return _own_tags(each.new) | old


def _own_tags(registration: Registration) -> set[str]:
    return {tag.lower() for tag in registration.tags}


def _tag_rows(entry: Stored, numbers: dict[str, int]) -> list[tuple[int, int, int]]:
    return [(numbers[tag], entry.device, entry.number) for tag in _own_tags(entry.registration)]
