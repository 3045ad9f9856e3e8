"""Feedback in the database: what push services said against devices, in the order in which it came."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from pushgate.database.interface import Row, Session
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.platform import Platform
from pushgate.protocols.notification_hubs.times import written

_COLUMNS: Final = (
    "feedback.position, feedback.at, COALESCE(NULLIF(batch.platform, ''), feedback.platform),"
    " feedback.handle, feedback.name, batch.send, feedback.registration_id, feedback.installation_id,"
    " feedback.new_handle"
)
_FROM: Final = "FROM feedback LEFT JOIN batch ON batch.id = feedback.batch"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that is to be kept.

    :param at: Unix seconds.
    :param batch: of the notification; "" for none.
    :param new_handle: that takes the place of this one; b"" for none.
    """

    at: float
    platform: Platform
    handle: bytes
    name: str
    batch: str = ""
    new_handle: bytes = b""


def keep(session: Session, entries: Sequence[Entry]) -> None:
    """Keep entries, each with the registration that the device has now."""
    session.executemany(
        "INSERT INTO feedback (at, day, platform, handle, name, batch, registration_id, installation_id,"
        " new_handle) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(entry.at, day(entry.at), str(entry.platform), entry.handle, entry.name, entry.batch),
                *_registration(session, entry.platform, entry.handle),
                entry.new_handle,
            )
            for entry in entries
        ],
    )


def read(session: Session, send_id: str | None, day: str | None, after: int, limit: int) -> list[PnsFeedback]:
    """Entries behind a position, of one send or of one day, or all."""
    conditions: list[str] = ["feedback.position > ?"]
    values: list[Any] = [after]
    if send_id is not None:
        conditions.append("feedback.batch IN (SELECT id FROM batch WHERE send = ?)")
        values.append(send_id)
    if day is not None:
        conditions.append("feedback.day = ?")
        values.append(day)
    rows = session.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE {' AND '.join(conditions)} ORDER BY feedback.position LIMIT ?",
        (*values, limit),
    )
    return [_entry(row) for row in rows]


def days(session: Session) -> list[str]:
    """The days of which there are entries, ``MMDDYYYY``, the earliest first."""
    rows = session.execute("SELECT day, MIN(position) FROM feedback GROUP BY day ORDER BY 2 LIMIT 1000")
    return [found for found, _ in rows]


def day(at: float) -> str:
    """The day of a time in Unix seconds, ``MMDDYYYY``, UTC."""
    year, month, of_month = written(at)[:10].split("-")
    return f"{month}{of_month}{year}"


def _registration(session: Session, platform: Platform, handle: bytes) -> tuple[str, str]:
    rows = session.execute(
        "SELECT registration.id, registration.installation_id FROM registration"
        " JOIN device ON device.number = registration.device"
        " WHERE device.handle = ? ORDER BY device.platform = ? DESC LIMIT 1",
        (handle, str(platform)),
    )
    return (rows[0][0] or "", rows[0][1] or "") if rows else ("", "")


def _entry(row: Row) -> PnsFeedback:
    position, at, platform, handle, name, send, registration, installation, new_handle = row
    return PnsFeedback(
        position=position,
        at=at,
        platform=Platform(platform),
        handle=handle,
        name=name,
        send_id=send or "",
        registration_id=registration,
        installation_id=installation,
        new_handle=new_handle,
    )
