"""Fills the store of a hub before its gateway starts: ``python -m bench.hub_fill STATE_DIR STORE COUNT``."""

import sys
import time
from itertools import islice
from pathlib import Path

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from bench.hub_stand import registrations
from pushgate.hub.settings import HubTable
from pushgate.hub.store.database import open_database
from pushgate.hub.store.registrations import import_many
from pushgate.testing.context import context

CHUNK = 20_000
"""Registrations of one transaction."""


async def fill(directory: Path, store: str, count: int) -> None:
    """Import so many registrations."""
    surroundings = replace(context(state_dir=directory), reactor=reactor, wall=time.time)
    database = open_database("main", HubTable(store=store, apns="news"), surroundings)
    database.start()
    new = registrations(count)
    while part := list(islice(new, CHUNK)):
        await database.write(import_many, part)
    await database.stop()


def main(directory: str, store: str, count: str) -> None:
    """Fill as the arguments say."""
    react(lambda _: Deferred.fromCoroutine(fill(Path(directory), store, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
