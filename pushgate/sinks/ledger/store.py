"""The ledger's file: SQLite. Its methods block, and all but the constructor run in the ledger's thread."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from pushgate.sinks.ledger.rows import Row

APPLICATION_ID: Final = 0x70676C67
"""``pglg``: marks an SQLite file as a ledger of pushgate."""
CHUNK: Final = 500
"""Rows that one call of `purge` looks at, so that it is short."""
DAY: Final = 86400.0
_VERSION: Final = 1
_AT_ONCE: Final = 64
"""Rows of one INSERT. SQLite's binding gives up the interpreter lock for each statement it runs, and may wait
a switch interval to get it back; so rows go in few statements."""
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
_PRAGMAS: Final = (
    "PRAGMA page_size = 4096",  # rows of half a batch fill larger ones badly
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # it survives the process; what a power cut takes of it is history only
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -8192",
)


class NotALedger(Exception):
    """The file is something else, or of a later version."""


class Store:
    """An open ledger.

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

    def add(self, rows: Sequence[Row]) -> None:
        """Keep rows: all of them, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            for at in range(0, len(rows), _AT_ONCE):
                part = rows[at : at + _AT_ONCE]
                places = ", ".join(["(?, ?, ?, ?, ?)"] * len(part))
                self._connection.execute(
                    f"INSERT INTO outcome (at, stem, start, stop, body) VALUES {places}",  # noqa: S608 - constants
                    [value for row in part for value in row],
                )

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
        dropped = self._connection.execute(
            "DELETE FROM outcome WHERE id IN (SELECT id FROM outcome ORDER BY id LIMIT ?)"
            " AND (at < ? OR at > ?)",
            (CHUNK, oldest, newest),
        ).rowcount
        return dropped == CHUNK

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _check(connection: sqlite3.Connection) -> None:
    """Check, without writing, that a file is a ledger or empty."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or objects):
        raise NotALedger("an SQLite file of another program")
    if version > _VERSION:
        raise NotALedger(f"written by a later version (format {version}, this one knows {_VERSION})")
