"""The file of the durable spool: its lock, how it is opened, and how it is made."""

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from pushgate.gateway.spool.schema import NotASpool, check, migrate
from pushgate.model.errors import CannotStart

FILE: Final = "spool.sqlite"
_PAGE_SIZE: Final = "PRAGMA page_size = 16384"  # few overflow pages for a batch of 60 kB
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -32768",
)


def lock(directory: Path) -> int:
    """Take the lock of the state directory, and return its file descriptor; closing it gives the lock back.

    :raises CannotStart: another gateway has it, or the directory cannot be written.
    """
    try:
        taken = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise fault(directory, f"{error.strerror}; must be a writable directory") from None
    try:
        fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(taken)
        raise fault(directory, "in use by another gateway; each needs its own") from None
    return taken


def open_spool(file: Path) -> sqlite3.Connection:
    """Open a spool, make it when it is missing, and bring an older one up to date.

    :raises CannotStart: it is damaged, something else, or of a later version; nothing was changed.
    """
    try:
        if not file.exists():
            _make(file)
        os.close(os.open(file, os.O_RDWR))
        if not file.stat().st_size:  # SQLite would take it for a new one, and remove the log beside it
            raise NotASpool("empty: it has lost what it kept")
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as reader:
            check(reader)
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        migrate(connection)
    except OSError as error:  # the file is not to blame
        raise fault(file, f"{error.strerror}; must be a file that this process can write") from None
    except UnicodeDecodeError:  # what SQLite says of it is no text either
        raise fault(file, "damaged; nothing was changed: mend it, or move it away to start empty") from None
    except (sqlite3.Error, NotASpool) as error:
        raise fault(file, f"{error}; nothing was changed: mend it, or move it away to start empty") from None
    return connection


def _make(file: Path) -> None:
    """Make a spool under another name, so that one that is empty has never been made so by us."""
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        raise NotASpool(f"missing, but its log {log.name} is there, which belongs to it")
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # it will hold tokens and payloads
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.execute(_PAGE_SIZE)
        migrate(connection)
    new.rename(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def fault(path: Path, why: str) -> CannotStart:
    """The fault of the configuration that a path of the spool is."""
    return CannotStart([f"gateway.state_dir: {path}: {why}"])
