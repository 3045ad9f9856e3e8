"""The database that the configuration of a hub names."""

from importlib import import_module

from pushgate.database.interface import IDatabase
from pushgate.database.sqlite import SqliteDatabase
from pushgate.hub.rules import read_password
from pushgate.hub.settings import SQLITE, HubTable
from pushgate.hub.store.schema import HUB_SCHEMA
from pushgate.model.errors import CannotStart
from pushgate.plugin.context import Context


def open_database(hub: str, table: HubTable, context: Context) -> IDatabase:
    """The database of a hub, not yet open.

    :raises CannotStart: psycopg is not installed, or the password cannot be read.
    """
    key = f"hubs.{hub}.store"
    if table.store == SQLITE:
        assert context.state_dir is not None, "found as the configuration is read"
        return SqliteDatabase(context.state_dir / "hubs" / f"{hub}.sqlite", context, HUB_SCHEMA, key)
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
