"""The tables of enrolments."""

from typing import Final

from pushgate.database.schema import Schema

_TABLES: Final = (
    """CREATE TABLE enrolments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, app TEXT NOT NULL, sha256 BLOB NOT NULL, token BLOB NOT NULL,
        push_magic TEXT NOT NULL, topic TEXT NOT NULL, device TEXT, keep_awake INTEGER NOT NULL,
        enrolled_at REAL NOT NULL, superseded_at REAL, pushes INTEGER NOT NULL, pushed_at REAL,
        waiting INTEGER NOT NULL, outcome TEXT, status INTEGER, reason TEXT NOT NULL, outcome_at REAL,
        checked_in_at REAL, due_at REAL)""",
    "CREATE INDEX enrolments_by_token ON enrolments (sha256, app)",
    "CREATE INDEX enrolments_by_device ON enrolments (device, app) WHERE device IS NOT NULL",
    "CREATE INDEX enrolments_by_due ON enrolments (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX enrolments_waiting ON enrolments (id) WHERE waiting = 1",
    "CREATE TABLE topics (app TEXT PRIMARY KEY, topic TEXT NOT NULL) WITHOUT ROWID",
)
_CHECK_OUT: Final = ("ALTER TABLE enrolments ADD COLUMN checked_out_at REAL",)
MDM_SCHEMA: Final = Schema("the database of enrolments", 0x70676D64, (_TABLES, _CHECK_OUT))
"""Its file is marked ``pgmd``."""
