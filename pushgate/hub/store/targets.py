"""The targets of a send, found page by page in the order of device numbers: each handle is met once."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from pushgate.database.interface import Row, Session
from pushgate.hub.store.candidates import Search, compiled, last_of_page, matching, search
from pushgate.hub.store.expression_sql import ALL
from pushgate.hub.store.registration_rows import read_document
from pushgate.hub.tag_expressions.expression import Expression
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template


class Target(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A device, or one of its templates, that a send goes to.

    :param skipped: further registrations that would have it get the same again.
    """

    device: int
    handle: bytes
    platform: Platform
    registration_id: str = ""
    installation_id: str = ""
    skipped: int = 0
    template: Template | None = None
    push_variables: dict[str, str] = {}


class TargetPage(msgspec.Struct, frozen=True):
    """Targets, those of one device never on two pages.

    :param end: the device behind which the next page begins; None when there is none.
    """

    end: int | None
    targets: tuple[Target, ...]


class HandlePage(msgspec.Struct, frozen=True):
    """The handles of devices that get the same native notification.

    :param end: as of a `TargetPage`.
    :param last_device: the last that was looked at; 0 of none.
    :param skipped: as of a `Target`, of all.
    """

    end: int | None
    last_device: int
    handles: tuple[bytes, ...]
    skipped: int = 0


_DEVICES: Final = (
    "JOIN device ON device.number = matched.device WHERE device.number > ? AND device.number <= ?"
    " ORDER BY matched.device"
)
ROWS: Final = 10_000
"""Registrations of a page of targets, if one device does not have more."""
_PLATFORMS: Final = {str(platform): platform for platform in Platform}


def native_page(
    session: Session,
    expression: Expression | None,
    platform: Platform,
    after: int,
    limit: int,
    until: int | None = None,
) -> HandlePage:
    """The handles behind a device that an expression finds; None finds all.

    :param limit: devices that are looked at.
    :param until: the last device of the page, when it was read before.
    """
    wanted = search(session, expression, platform, template=False)
    last, more = _end(session, wanted, after, limit, until)
    if last <= after:
        return HandlePage(None, 0, ())
    found, values = matching(session, wanted, after, last)
    rows = session.execute(
        "SELECT device.handle, matched.number FROM (SELECT registration.device AS device, COUNT(*) AS number"
        f" {found} GROUP BY registration.device) AS matched {_DEVICES}",
        [*values, after, last],
    )
    return HandlePage(
        last if more else None,
        last,
        tuple([handle for handle, _ in rows]),
        sum([number for _, number in rows]) - len(rows),
    )


def page(
    session: Session,
    expression: Expression | None,
    platform: Platform | None,
    template: bool,
    after: int,
    limit: int,
    until: int | None = None,
) -> TargetPage:
    """As `native_page`, each target by itself, of any platform when it is None.

    A page ends early behind `ROWS` registrations: a device may have many, each with a template of its own.
    """
    wanted = search(session, expression, platform, template)
    last, more = _end(session, wanted, after, limit, until)
    if last <= after:
        return TargetPage(None, ())
    rows = _rows(session, wanted, after, last, ROWS + 1 if until is None else _MOST)
    if until is None and len(rows) > ROWS:
        last, more = max(rows[0][0], rows[-1][0] - 1), True
        rows = _rows(session, wanted, after, last, _MOST)
    return TargetPage(last if more else None, _targets(rows))


def _rows(session: Session, wanted: Search, after: int, last: int, limit: int) -> list[Row]:
    found, values = matching(session, wanted, after, last)
    return session.execute(
        "SELECT matched.device, device.handle, device.platform, matched.id, matched.installation_id,"
        " matched.document FROM (SELECT registration.number, registration.device, registration.id,"
        f" registration.installation_id, registration.document {found}) AS matched"
        f" {_DEVICES}, matched.number LIMIT ?",
        [*values, after, last, limit],
    )


def count(session: Session, expression: Expression | None) -> dict[Platform, int]:
    """How many registrations of each platform an expression finds; None counts all."""
    wanted = ALL if expression is None else compiled(session, expression)
    counts: dict[Platform, int] = {}
    for template in (False, True):
        either = Search(condition=wanted, platform=None, template=template)
        found, values = matching(session, either, 0, _MOST)
        rows = session.execute(
            f"SELECT registration.platform, COUNT(*) {found} GROUP BY registration.platform", values
        )
        for platform, number in rows:
            counts[_PLATFORMS[platform]] = counts.get(_PLATFORMS[platform], 0) + number
    return counts


_MOST: Final = (1 << 63) - 1


def _end(session: Session, wanted: Search, after: int, limit: int, until: int | None) -> tuple[int, bool]:
    return last_of_page(session, wanted, after, limit) if until is None else (until, False)


def _targets(rows: Iterable[Row]) -> tuple[Target, ...]:
    """Targets of rows, which are in the order of devices; equal templates of a device are one target."""
    found: list[Target] = []
    bodies: dict[Any, int] = {}
    for device, handle, platform, registration_id, installation_id, document in rows:
        read = read_document(document)
        if not found or found[-1].device != device:
            bodies.clear()
        body = None if read.template is None else read.template.body
        if body in bodies:
            same = found[bodies[body]]
            found[bodies[body]] = msgspec.structs.replace(same, skipped=same.skipped + 1)
            continue
        bodies[body] = len(found)
        found.append(
            Target(
                device=device,
                handle=handle,
                platform=_PLATFORMS[platform],
                registration_id=registration_id,
                installation_id=installation_id,
                template=read.template,
                push_variables=read.push_variables,
            )
        )
    return tuple(found)
