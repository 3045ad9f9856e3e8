"""The checks of a hub's database: it is looked at, and nothing is made or changed in it."""

import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from twisted.internet.threads import deferToThreadPool

from pushgate.hub.rules import read_password
from pushgate.hub.settings import SQLITE, HubTable
from pushgate.hub.store.schema import HUB_SCHEMA
from pushgate.model.errors import CannotStart, reason
from pushgate.model.finding import Finding, failure, ok
from pushgate.model.printable import printable
from pushgate.plugin.examination import Examination

_VERSION: Final = "SELECT version FROM schema_version"
CONNECT: Final = 5
"""Seconds that connecting to PostgreSQL may take."""
_NO_START: Final = "a gateway does not start with it"
_NO_HUB: Final = "the hub is not served until it can be used; one that refuses the gateway stops its start"


async def diagnose(name: str, config: HubTable, examination: Examination) -> AsyncIterator[Finding]:
    """Whether the database of a hub is one, and of a version that this one knows."""
    if config.store == SQLITE:
        directory = examination.context.state_dir
        if directory is None:
            yield failure("hub-store", "an SQLite hub needs a directory in state_dir", _NO_START, "name one")
        else:
            yield _sqlite(directory / "hubs" / f"{name}.sqlite")
        return
    try:
        password = read_password(name, config.password_file)
    except CannotStart as error:
        for line in error.faults:
            yield failure("hub-password", line, _NO_START, "write the password into the file, on one line")
        return
    if not examination.offline:
        reactor = examination.reactor
        asked = deferToThreadPool(reactor, reactor.getThreadPool(), _postgresql, name, config, password)
        yield await asked.addTimeout(3 * examination.timeout, reactor)


def _sqlite(file: Path) -> Finding:
    shown = printable(file)
    if not file.exists() or not file.stat().st_size:
        return ok("hub-store", f"{shown} is made at the first start")
    if not os.access(file, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return failure(
            "hub-store", f"this user may not read and write {shown}", _NO_START, f"chown pushgate {shown}"
        )
    # Where no gateway has it open, a reader would leave files beside it, which the gateway's user cannot use.
    how = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True)) as reader:
            (application,) = reader.execute("PRAGMA application_id").fetchone()
            versions = [] if application != HUB_SCHEMA.application_id else reader.execute(_VERSION).fetchall()
    except sqlite3.Error as error:
        return failure("hub-store", f"{shown}: {error}", _NO_START, "restore a backup, or move it away")
    if application != HUB_SCHEMA.application_id:
        return failure("hub-store", f"{shown} is of another program", _NO_START, "move it away")
    return _of_version(shown, versions)


def _of_version(where: str, rows: Sequence[Sequence[Any]]) -> Finding:
    """:param rows: of the table with the version; none of a database that is new."""
    known, version = len(HUB_SCHEMA.steps), int(rows[0][0]) if rows else 0
    if version > known:
        return failure(
            "hub-version", f"{where} has version {version} of the tables; this pushgate knows {known}",
            f"a later pushgate has worked with it; {_NO_START}", "upgrade, or restore the backup from before",
        )  # fmt: skip
    later = "" if version == known else f", and is brought to {known} at the next start"
    return ok("hub-version", f"{where} has version {version} of the tables{later}")


def _postgresql(name: str, config: HubTable, password: str) -> Finding:
    """In a thread: libpq blocks."""
    try:
        psycopg: Any = import_module("psycopg")
    except ImportError as error:
        return failure("hub-store", f"{error}", _NO_START, "pip install 'pushgate[postgresql]'")
    schema = f"pushgate_{name}"
    try:
        return _asked(psycopg, config.store, password, schema)
    except psycopg.Error as error:
        return failure(
            "hub-store", f"{printable(config.store)}: {printable(reason(error))}", _NO_HUB,
            "check the address, the password and pg_hba.conf, with psql from this machine",
        )  # fmt: skip


def _asked(psycopg: Any, url: str, password: str, schema: str) -> Finding:
    where = f"{printable(url)}, schema {schema}"
    options = {"password": password} if password else {}
    with psycopg.connect(url, connect_timeout=CONNECT, autocommit=True, **options) as connection:
        connection.read_only = True
        (version,) = connection.execute("SHOW server_version").fetchone()
        (encoding,) = connection.execute("SHOW server_encoding").fetchone()
        (table,) = connection.execute("SELECT to_regclass(%s)", (f"{schema}.schema_version",)).fetchone()
        if encoding != "UTF8":
            what = f"{where}: its encoding is {encoding}"
            return failure("hub-store", what, _NO_START, "make a database with UTF8")
        if table is None:
            return ok("hub-store", f"PostgreSQL {version}: {where} is made at the first start")
        rows = connection.execute(f"SELECT version FROM {table}").fetchall()  # noqa: S608 - the server's own name
    return _of_version(f"PostgreSQL {version}: {where}", rows)
