"""The durable spool's tables, and how an older file becomes a current one."""

import sqlite3
from typing import Final

from pushgate.gateway.spool.batches import damaged

APPLICATION_ID: Final = 0x70677370
"""``pgsp``: marks an SQLite file as a spool of pushgate."""

_MIGRATIONS: Final = (
    """
    CREATE TABLE batch (
        ord INTEGER PRIMARY KEY,
        stem BLOB NOT NULL UNIQUE,
        app TEXT NOT NULL,
        priority INTEGER NOT NULL,
        live INTEGER NOT NULL,
        accepted_at REAL NOT NULL,
        door TEXT NOT NULL,
        delivery TEXT NOT NULL,
        terms BLOB NOT NULL,
        refused BLOB NOT NULL,
        shared INTEGER NOT NULL,
        tokens BLOB NOT NULL,
        payload BLOB NOT NULL,
        crc INTEGER NOT NULL
    );
    CREATE INDEX batch_lane ON batch (app, priority, ord);
    CREATE TABLE settled (
        ord INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, PRIMARY KEY (ord, start)
    ) WITHOUT ROWID;
    CREATE TABLE intended (
        ord INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, PRIMARY KEY (ord, start)
    ) WITHOUT ROWID;
    CREATE TABLE report (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE key (
        app TEXT NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, id BLOB NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (app, key)
    ) WITHOUT ROWID;
    CREATE INDEX key_at ON key (at);
    CREATE TABLE dead (
        app TEXT NOT NULL, token BLOB NOT NULL, since INTEGER NOT NULL, reason TEXT NOT NULL,
        doubted INTEGER NOT NULL, PRIMARY KEY (app, token)
    ) WITHOUT ROWID;
    CREATE INDEX dead_doubted ON dead (app) WHERE doubted;
    """,
    "ALTER TABLE batch ADD COLUMN form TEXT;",
    "CREATE TABLE mark (only INTEGER PRIMARY KEY, commits INTEGER NOT NULL); INSERT INTO mark VALUES (1, 0);",
    "CREATE TABLE taken (sink TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;",
)
"""Version 0 to 1, 1 to 2, and so on. Never edited once released; a new one is appended."""


class NotASpool(Exception):
    """The file is not a spool, or one that this version cannot read."""


def check(connection: sqlite3.Connection) -> None:
    """Check, without writing, that a file is a sound spool or empty.

    :raises NotASpool: it is something else, or of a later version, or damaged.
    :raises sqlite3.Error: it cannot be read.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or objects):
        raise NotASpool("an SQLite file of another program")
    if version > len(_MIGRATIONS):
        raise NotASpool(f"written by a later version (format {version}, this one knows {len(_MIGRATIONS)})")
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise NotASpool(f"damaged: {' '.join(str(verdict).split())}")
    for order in damaged(connection, version):
        raise NotASpool(f"damaged: batch {order} is not what was written")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a checked spool up to date."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, migration in enumerate(_MIGRATIONS[version:], version + 1):
        connection.executescript(
            f"BEGIN; {migration} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number}; COMMIT;"
        )
