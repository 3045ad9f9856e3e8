"""The ledger's file: SQLite. Its methods block, and all but the constructor run in the ledger's thread."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import msgspec

from pushgate.sinks.ledger.rows import Kept, Row

APPLICATION_ID: Final = 0x70676C67
"""``pglg``: marks an SQLite file as a ledger of pushgate."""
CHUNK: Final = 500
"""Rows that one call of `purge` looks at, so that it is short."""
DAY: Final = 86400.0
_VERSION: Final = 1
_AT_ONCE: Final = 64
"""Rows of one INSERT. SQLite's binding gives up the interpreter lock for each statement it runs, and may wait
a switch interval to get it back; so rows go in few statements."""
PAGE_ROWS: Final = 64
"""Rows of one page at most."""
PAGE_BYTES: Final = 1 << 18
"""Bytes of the rows of one page, without its last, at most."""
MEMBERS: Final = 16
"""Bits of a position that count the notifications of a row, which has at most a batch of them."""
ALL_MEMBERS: Final = (1 << MEMBERS) - 1
SKIPPED: Final = 1 << 20
"""Numbers that each opening leaves out: a power cut may have taken rows whose numbers readers know."""
_SCHEMA: Final = f"""
    BEGIN;
    CREATE TABLE outcome (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        stem BLOB NOT NULL,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE INDEX outcome_stem ON outcome (stem);
    PRAGMA application_id = {APPLICATION_ID};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
_POSITIONS: Final = """
    CREATE TABLE IF NOT EXISTS position (
        epoch TEXT NOT NULL, reserved INTEGER NOT NULL, removed INTEGER NOT NULL
    )
"""  # earlier versions know nothing of it, and leave it be
_EPOCH: Final = """
    INSERT INTO position SELECT lower(hex(randomblob(4))), 0, 0 WHERE NOT EXISTS (SELECT 1 FROM position)
"""
_LAST: Final = """
    SELECT max(reserved, removed >> ?, ifnull((SELECT max(id) FROM outcome), 0)), removed FROM position
"""
_PAGE: Final = """
    SELECT id, stem, start, stop, body FROM outcome
    WHERE id >= ? AND (id << ?) + stop - start - 1 > ? ORDER BY id LIMIT ?
"""
_PRAGMAS: Final = (
    "PRAGMA page_size = 4096",  # rows of half a batch fill larger ones badly
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # it survives the process; what a power cut takes of it is history only
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -8192",
)


class NotALedger(Exception):
    """The file is something else, or of a later version."""


class RowPage(msgspec.Struct, frozen=True):
    """Rows behind a position.

    :param rows: each with its number; the first may have been read in part.
    :param end: the position up to which there are no others.
    :param missing: some were removed, or nothing has the position that was asked for.
    """

    rows: list[tuple[int, bytes, int, int, bytes]]
    end: int
    missing: bool


class Store:
    """An open ledger.

    A position is the number of a row, and in its last 16 bits the place of a notification in the row.

    :ivar epoch: names the positions of this file: random; "" while it cannot be read.
    :raises NotALedger: see there.
    :raises OSError, sqlite3.Error: it cannot be opened.
    """

    def __init__(self, file: Path) -> None:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # it holds tokens
        if file.stat().st_size:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as reader:
                _check(reader)
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)
        if not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._connection.executescript(_SCHEMA)
        self.epoch = ""
        with suppress(sqlite3.Error):  # damaged, or no room: `add` says so, again and again
            self._reserve()

    def add(self, rows: Sequence[Row]) -> int:
        """Keep rows: all of them, or none; return the number before that of the first."""
        if not self.epoch:
            self._reserve()
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            last, _ = self._last()
            for at in range(0, len(rows), _AT_ONCE):
                part = rows[at : at + _AT_ONCE]
                places = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(part))
                self._connection.execute(
                    f"INSERT INTO outcome (id, at, stem, start, stop, body) VALUES {places}",  # noqa: S608 - constants
                    [value for number, row in enumerate(part, last + at + 1) for value in (number, *row)],
                )
        return last

    def page(self, after: int | None) -> RowPage:
        """Some rows behind a position, in their order; none behind the last, and for None."""
        last, removed = self._last()
        end = last << MEMBERS | ALL_MEMBERS
        if after is None or after > end:
            return RowPage([], end, after is not None)
        rows, size = [], 0
        for row in self._connection.execute(_PAGE, (after >> MEMBERS, MEMBERS, after, PAGE_ROWS)):
            rows.append(row)
            size += len(row[-1])
            end = row[0] << MEMBERS | ALL_MEMBERS
            if size > PAGE_BYTES:
                break
        return RowPage(rows, end, removed > after)

    def find_equal(self, row: Row) -> list[Kept]:
        """The rows about members of this one that were reported at the same time."""
        at, stem, start, stop, _ = row
        return self._connection.execute(
            "SELECT start, stop, body FROM outcome WHERE stem = ? AND at = ? AND start < ? AND stop > ?",
            (stem, at, stop, start),
        ).fetchall()

    def find(self, stem: bytes, index: int) -> list[tuple[int, bytes]]:
        """First member and body of each row about this member of a batch, in the order of their coming."""
        return self._connection.execute(
            "SELECT start, body FROM outcome WHERE stem = ? AND start <= ? AND stop > ? ORDER BY id",
            (stem, index, index),
        ).fetchall()

    def purge(self, oldest: float, newest: float) -> bool:
        """Delete some outcomes reported before `oldest`; return whether there may be more.

        :param newest: outcomes reported later than this were so by a wrong clock; else one such row would
            keep all that came after it for ever.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            (last,) = self._connection.execute(
                "SELECT max((id << ?) + stop - start - 1) FROM (SELECT * FROM outcome ORDER BY id LIMIT ?)"
                " WHERE at < ? OR at > ?",
                (MEMBERS, CHUNK, oldest, newest),
            ).fetchone()
            if last is None:
                return False
            self._connection.execute("UPDATE position SET removed = max(removed, ?)", (last,))
            dropped = self._connection.execute(
                "DELETE FROM outcome WHERE id IN (SELECT id FROM outcome ORDER BY id LIMIT ?)"
                " AND (at < ? OR at > ?)",
                (CHUNK, oldest, newest),
            ).rowcount
        return dropped == CHUNK

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _reserve(self) -> None:
        """Leave out numbers of rows that may have been given before."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            self._connection.execute(_POSITIONS)
            self._connection.execute(_EPOCH)
            last, _ = self._last()
            self._connection.execute("UPDATE position SET reserved = ?", (last + SKIPPED,))
        (self.epoch,) = self._connection.execute("SELECT epoch FROM position").fetchone()

    def _last(self) -> tuple[int, int]:
        """The highest number that is given or left out, and the last position that was removed."""
        last, removed = self._connection.execute(_LAST, (MEMBERS,)).fetchone()
        return last, removed


def _check(connection: sqlite3.Connection) -> None:
    """Check, without writing, that a file is a ledger or empty."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or objects):
        raise NotALedger("an SQLite file of another program")
    if version > _VERSION:
        raise NotALedger(f"written by a later version (format {version}, this one knows {_VERSION})")
