"""Batches as rows of the durable spool, and back. Everything here runs in the spool's thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec

from pushgate.gateway.spool.interface import Kept, Page
from pushgate.model.batch_slice import outside
from pushgate.model.notification import MAX_BATCH, MEMBER_BITS, Batch, Delivery, Terms
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm

_COLUMNS: Final = (
    "ord, stem, app, priority, live, accepted_at, door, delivery, terms, refused, form, "
    "shared, tokens, payload"
)
"""`Batch.origin` is in the column that the first version called ``door``."""
_ROW: Final = f"({', '.join('?' * 15)})"
_AT_ONCE: Final = 16
"""Rows of one INSERT. SQLite's binding gives up the interpreter lock for each statement it runs, and may wait
a switch interval to get it back; so rows go in few statements."""

_FORM: Final = -2
"""Where a row, without tokens and payload, has the form of its targets. None: 0.1.0 wrote it, which knew
device tokens only, and kept these behind one length byte each."""
_PIECE: Final = 4096
"""Bytes summed up at once: of more than 5 KiB zlib would give up the interpreter lock, too."""

Range = tuple[int, int, int]
"""Order of the batch, first member, end."""


def insert(connection: sqlite3.Connection, batches: Sequence[Batch]) -> None:
    """Add batches."""
    for at in range(0, len(batches), _AT_ONCE):
        part = batches[at : at + _AT_ONCE]
        values = [value for batch in part for value in _row(batch)]
        places = ", ".join([_ROW] * len(part))
        connection.execute(f"INSERT INTO batch ({_COLUMNS}, crc) VALUES {places}", values)  # noqa: S608 - constants


def damaged(connection: sqlite3.Connection, version: int) -> Iterator[int]:
    """The orders of batches that are not what was inserted: what SQLite's own check does not see.

    :param version: of the file, which was not migrated yet.
    """
    columns = _COLUMNS if version > 1 else _COLUMNS.replace("form", "NULL")
    query = f"SELECT {columns}, crc FROM batch" if version else "SELECT 1 WHERE 0"  # noqa: S608 - constants
    for *row, crc in connection.execute(query):
        if _crc(row) != crc:
            yield row[0]


def settle(connection: sqlite3.Connection, ranges: Sequence[Range]) -> None:
    """Note settled ranges."""
    connection.execute(f"INSERT OR REPLACE INTO settled {_FROM_JSON}", (_json(ranges),))


def drop(connection: sqlite3.Connection, orders: Sequence[int]) -> None:
    """Drop the batches of these orders with all that belongs to them."""
    wanted = _json(orders)
    for table in ("batch", "settled", "intended"):
        connection.execute(
            f"DELETE FROM {table} WHERE ord IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
            (wanted,),
        )


def finished(connection: sqlite3.Connection) -> list[int]:
    """The orders of batches of which every member is settled."""
    rows = connection.execute(
        "SELECT ord FROM batch JOIN (SELECT ord, sum(stop - start) AS done FROM settled GROUP BY ord)"
        " USING (ord) WHERE done >= live"
    )
    return [order for (order,) in rows]


def intend(connection: sqlite3.Connection, ranges: Sequence[Range]) -> None:
    """Note that these ranges are about to be written and must not be written twice."""
    connection.execute(f"INSERT OR REPLACE INTO intended {_FROM_JSON}", (_json(ranges),))


def forgo(connection: sqlite3.Connection, ranges: Sequence[Range]) -> None:
    """Note that these ranges were not written, whatever was intended."""
    taken: dict[int, list[tuple[int, int]]] = {}
    for order, start, stop in ranges:
        taken.setdefault(order, []).append((start, stop))
    for order, runs in taken.items():
        left = outside(_ranges(connection, "intended", order), runs)
        connection.execute("DELETE FROM intended WHERE ord = ?", (order,))
        connection.executemany("INSERT INTO intended VALUES (?, ?, ?)", [(order, *run) for run in left])


_FROM_JSON: Final = (
    "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') "
    "FROM json_each(?)"
)


def page(
    connection: sqlite3.Connection, app: str, priority: int, after: int, limit: int, view: "View"
) -> Page:
    """The next batches of an app and priority until they have `limit` bytes.

    Those of which nothing is left are passed over.
    """
    found: list[Kept] = []
    query = f"SELECT {_COLUMNS} FROM batch WHERE app = ? AND priority = ? AND ord > ? ORDER BY ord"  # noqa: S608 - constants
    cursor = connection.execute(query, (app, priority, after))
    size = 0
    for row in cursor:
        if (kept := _kept(connection, row, view)).left:
            found.append(kept)
        after = kept.batch.order
        size += len(row[-2]) + len(row[-1])
        if size >= limit:
            break
    cursor.close()
    return Page(tuple(found), after, size >= limit)


def find(connection: sqlite3.Connection, number: int, view: "View") -> Kept | None:
    """The batch that holds the notification with this id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM batch WHERE stem = ?", (stem(number),)).fetchone()  # noqa: S608 - constants
    return None if row is None else _kept(connection, row, view)


def without_payload(connection: sqlite3.Connection, order: int, view: "View") -> Batch | None:
    """The batch of this order, to report on it; None when there is none."""
    columns = _COLUMNS.replace("shared, tokens, payload", "1, tokens, x''")
    row = connection.execute(f"SELECT {columns} FROM batch WHERE ord = ?", (order,)).fetchone()  # noqa: S608 - constants
    return None if row is None else _batch(row, view)


def waiting(connection: sqlite3.Connection) -> dict[tuple[str, int], int]:
    """How many notifications wait, by app and priority."""
    counts = connection.execute("SELECT app, priority, sum(live) FROM batch GROUP BY app, priority")
    totals = {(app, priority): count for app, priority, count in counts}
    settled = connection.execute(
        "SELECT app, priority, sum(stop - start) FROM settled JOIN batch USING (ord) GROUP BY app, priority"
    )
    for app, priority, count in settled:
        totals[app, priority] -= count
    return totals


def last_order(connection: sqlite3.Connection) -> int:
    """The order of the batch accepted last, 0 when there is none."""
    (order,) = connection.execute("SELECT coalesce(max(ord), 0) FROM batch").fetchone()
    return int(order)


def commits(connection: sqlite3.Connection) -> int:
    """How many commits there were."""
    (count,) = connection.execute("SELECT commits FROM mark").fetchone()
    return int(count)


def count_commit(connection: sqlite3.Connection, number: int) -> None:
    """Note the number of the commit under way."""
    connection.execute("UPDATE mark SET commits = ?", (number,))


def last(connection: sqlite3.Connection, count: int) -> list[tuple[int, int]]:
    """Order and notifications of the batches that came last."""
    return connection.execute("SELECT ord, live FROM batch ORDER BY ord DESC LIMIT ?", (count,)).fetchall()


def doubt(connection: sqlite3.Connection) -> None:
    """Note that what must not be written twice may have been written: what was noted before is lost."""
    connection.execute(
        "INSERT OR REPLACE INTO intended SELECT ord, 0, ? FROM batch WHERE delivery = ?",
        (MAX_BATCH, str(Delivery.AT_MOST_ONCE)),
    )


class View(msgspec.Struct, frozen=True):
    """What turns rows into batches as they are now.

    :param wall: Unix seconds.
    :param now: monotonic seconds.
    :param owed: ranges that are settled and not in the file yet.
    :param restart: the order of the last batch that was accepted before this process began.
    """

    wall: float
    now: float
    owed: Sequence[Range] = ()
    restart: int = 0

    def waiting_since(self, accepted_at: float) -> float:
        """Monotonic seconds. A clock that stepped back does not make a batch wait since the future."""
        return self.now - max(0.0, self.wall - accepted_at)


def _row(batch: Batch) -> tuple[Any, ...]:
    shared = not isinstance(batch.payload, Packed)
    row = (
        batch.order,
        stem(batch.id),
        batch.app,
        int(batch.priority),
        len(batch) - len(batch.refused),
        batch.accepted_at,
        batch.origin,
        str(batch.delivery),
        msgspec.json.encode(batch.terms),
        msgspec.json.encode(batch.refused),
        str(batch.form),
        shared,
        batch.tokens.blob,
        batch.payload if not isinstance(batch.payload, Packed) else batch.payload.blob,
    )
    return (*row, _crc(row))


def _crc(row: Sequence[Any]) -> int:
    """The checksum of a row, as it was bound and as it is read."""
    *small, tokens, payload = row
    if small[_FORM] is None:  # as 0.1.0 summed it up
        del small[_FORM]
    crc = crc32(repr([int(each) if isinstance(each, bool) else each for each in small]).encode())
    for blob in (tokens, payload):
        crc = crc32(len(blob).to_bytes(8, "big"), crc)
        for at in range(0, len(blob), _PIECE):
            crc = crc32(blob[at : at + _PIECE], crc)
    return crc


def _kept(connection: sqlite3.Connection, row: tuple[Any, ...], view: View) -> Kept:
    batch = _batch(row, view)
    settled = _ranges(connection, "settled", batch.order)
    settled += [(start, stop) for of, start, stop in view.owed if of == batch.order]
    intended = _ranges(connection, "intended", batch.order)
    holes = [(index, index + 1) for index in batch.refused]
    left = tuple(outside([(0, len(batch))], [*holes, *settled]))
    return Kept(batch, left, tuple(intended), batch.order <= view.restart)


def _batch(row: tuple[Any, ...], view: View) -> Batch:
    order, stored, app, _, _, accepted_at, origin, delivery, terms, refused, form, shared, tokens, payload = (
        row
    )
    return Batch(
        id=batch_of(stored),
        order=order,
        app=app,
        tokens=Packed(tokens, 2 if form else 1).widened(),
        form=TargetForm(form) if form else TargetForm.HEX,
        payload=payload if shared else Packed(payload, 2),
        terms=msgspec.json.decode(terms, type=Terms),
        delivery=Delivery(delivery),
        accepted_at=accepted_at,
        waiting_since=view.waiting_since(accepted_at),
        refused=tuple(msgspec.json.decode(refused)),
        origin=origin,
    )


def _ranges(connection: sqlite3.Connection, table: str, order: int) -> list[tuple[int, int]]:
    query = f"SELECT start, stop FROM {table} WHERE ord = ? ORDER BY start"  # noqa: S608 - constants
    return connection.execute(query, (order,)).fetchall()


def stem(number: int) -> bytes:
    """What the ids of a batch have in common, as it is stored: SQLite's numbers are too short."""
    return (number >> MEMBER_BITS).to_bytes(14, "big")


def batch_of(stem: bytes) -> int:
    """The id of the batch with this stem."""
    return int.from_bytes(stem, "big") << MEMBER_BITS


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
