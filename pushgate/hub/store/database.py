"""The database that the configuration of a hub names."""

from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from twisted.logger import Logger

from pushgate.hub.settings import HubTable
from pushgate.hub.store.interface import IDatabase
from pushgate.hub.store.sqlite import SqliteDatabase
from pushgate.model.errors import CannotStart
from pushgate.plugin.interfaces import Context

SQLITE: Final = "sqlite"
_log = Logger()


def open_database(hub: str, table: HubTable, context: Context) -> IDatabase:
    """The database of a hub, not yet open.

    :raises CannotStart: there is none of this kind, or the password cannot be read.
    """
    if table.store == SQLITE:
        return SqliteDatabase(_directory(hub, context) / f"{hub}.sqlite", context, f"hubs.{hub}.store")
    raise CannotStart([f'hubs.{hub}.store: text of {len(table.store)} characters; must be "sqlite"'])


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
