"""The database that the configuration of a hub names."""

from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from twisted.logger import Logger

from pushgate.hub.rules import read_password
from pushgate.hub.settings import HubTable
from pushgate.hub.store.interface import IDatabase
from pushgate.hub.store.sqlite import SqliteDatabase
from pushgate.model.errors import CannotStart
from pushgate.plugin.interfaces import Context

SQLITE: Final = "sqlite"
SCHEMES: Final = ("postgresql://", "postgres://")
_log = Logger()


def open_database(hub: str, table: HubTable, context: Context) -> IDatabase:
    """The database of a hub, not yet open.

    :raises CannotStart: there is none of this kind, or the password cannot be read.
    """
    key = f"hubs.{hub}.store"
    if table.store == SQLITE:
        return SqliteDatabase(_directory(hub, context) / f"{hub}.sqlite", context, key)
    if not table.store.startswith(SCHEMES):
        rule = 'must be "sqlite" or "postgresql://user@host/database"'
        raise CannotStart([f"{key}: text of {len(table.store)} characters; {rule}"])
    password = read_password(hub, table.password_file)
    return _postgresql(key, f"pushgate_{hub}", table, password, context)


def _postgresql(key: str, schema: str, table: HubTable, password: str, context: Context) -> IDatabase:
    try:
        # Only here, as psycopg need not be installed.
        connection = import_module("pushgate.hub.store.postgresql_connection")
        module = import_module("pushgate.hub.store.postgresql")
    except ImportError as error:
        raise CannotStart([f"{key}: {error}; install pushgate[postgresql]"]) from None
    address = connection.ServerAddress(table.store, schema, password or None)
    database: IDatabase = module.PostgresqlDatabase(address, table.connections, context, key)
    return database


def _directory(hub: str, context: Context) -> Path:
    if context.state_dir is not None:
        return context.state_dir / "hubs"
    directory = mkdtemp(prefix="pushgate-hub-")
    _log.warn(
        'hub {hub}: gateway.state_dir is "memory", so its registrations are in {directory} for this run only',
        hub=hub,
        directory=directory,
    )
    return Path(directory)
