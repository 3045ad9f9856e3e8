"""How fast a hub's database is: ``python -m bench.hub_store [--registrations N] [--postgresql URL]``.

An import of registrations with five tags each, registrations that come one by one, the first page of a tag
expression, and all targets of it and of a broadcast. Prints a line of JSON for each figure.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react

from pushgate.database.sqlite import SqliteDatabase
from pushgate.hub.store import registrations, targets
from pushgate.hub.store.postgresql import PostgresqlDatabase
from pushgate.hub.store.postgresql_connection import ServerAddress
from pushgate.hub.store.schema import HUB_SCHEMA
from pushgate.hub.tag_expressions.parser import parse_expression
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration
from pushgate.testing.context import context

CHUNK = 10_000
"""Registrations of one transaction of the import."""
PAGE = 10_000
"""Devices of one page of targets."""
FIRST = 2000
"""Devices of the first page, which is to be there early."""
AT_ONCE = 64
"""Registrations that come one by one, at the same time."""
EXPRESSION = "(city1 && lang3) || !team7"


def made(count: int) -> Iterator[Registration]:
    """Registrations with five tags each, from one that all have to one of 1000."""
    chance = random.Random(1)
    for _ in range(count):
        yield Registration(
            platform=Platform.APNS,
            handle=chance.randbytes(32),
            tags=(
                "all",
                f"lang{chance.randrange(20)}",
                f"team{chance.randrange(100)}",
                f"city{chance.randrange(1000)}",
                f"plan{chance.randrange(5)}",
            ),
        )


def chunks(count: int) -> Iterator[list[Registration]]:
    """The same in parts."""
    part = []
    for each in made(count):
        part.append(each)
        if len(part) == CHUNK:
            yield part
            part = []
    if part:
        yield part


def tell(what: str, **figures: float) -> None:
    """Print figures, with the memory so far in MB."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"what": what, **figures, "memory_mb": memory}), flush=True)


async def importing(database: Any, count: int) -> None:
    """One chunk is written while the next one is made."""
    begun, busy = time.perf_counter(), time.process_time()
    pending: list[Deferred[Any]] = []
    for part in chunks(count):
        pending.append(database.write(registrations.import_many, part).addCallback(lambda _: None))
        if len(pending) > 1:
            await pending.pop(0)
    await gatherResults(pending)
    seconds = time.perf_counter() - begun
    tell("import", seconds=round(seconds, 1), rate=count // seconds, cpu=round(time.process_time() - busy, 1))


async def one_by_one(database: Any, count: int) -> None:
    """Each is a transaction of its own: created, then put again."""
    rest, kept = list(made(count)), []

    async def create() -> None:
        while rest:
            kept.append(await database.write(registrations.create, rest.pop()))

    async def put() -> None:
        while kept:
            await database.write(registrations.put, kept.pop())

    for what, work in (("create", create), ("put", put)):
        begun = time.perf_counter()
        await gatherResults([Deferred.fromCoroutine(work()) for _ in range(AT_ONCE)])
        tell(what, rate=count // (time.perf_counter() - begun))


async def pages(database: Any, text: str | None) -> AsyncIterator[targets.HandlePage]:
    """The pages of targets, each read while the one before is looked at."""
    expression = None if text is None else parse_expression(text)
    after: int | None = 0
    while after is not None:
        size = PAGE if after else FIRST
        page = await database.read(targets.native_page, expression, Platform.APNS, after, size)
        yield page
        after = page.end


async def resolving(database: Any, text: str | None) -> None:
    """All targets of an expression."""
    begun, first, count = time.perf_counter(), 0.0, 0
    async for page in pages(database, text):
        first = first or time.perf_counter() - begun
        count += len(page.handles)
    seconds = time.perf_counter() - begun
    tell(text or "broadcast", first_page_ms=round(first * 1000, 1), targets=count, rate=count // seconds)


async def measure(database: Any, count: int) -> None:
    """All figures of one database."""
    database.start()
    await importing(database, count)
    for text in (EXPRESSION, None, "city1 && lang3", "all && city5"):
        await resolving(database, text)
    await one_by_one(database, 5000)
    await database.stop()


def main(arguments: list[str]) -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(prog="bench.hub_store")
    parser.add_argument("--registrations", type=int, default=1_000_000)
    parser.add_argument(
        "--postgresql", help="postgresql://user@host/database, whose schema pushgate_bench is new"
    )
    parser.add_argument(
        "--directory", type=Path, help="for the file; default: one of its own, removed afterwards"
    )
    given = parser.parse_args(arguments)
    sys.setswitchinterval(0.0005)  # as the gateway does
    surroundings = msgspec.structs.replace(context(), reactor=reactor, wall=time.time)
    with tempfile.TemporaryDirectory(prefix="pushgate-bench-") as own:
        database: Any
        if given.postgresql:
            database = PostgresqlDatabase(ServerAddress(given.postgresql, "pushgate_bench"), 8, surroundings)
        else:
            database = SqliteDatabase((given.directory or Path(own)) / "hub.sqlite", surroundings, HUB_SCHEMA)
        react(lambda _: Deferred.fromCoroutine(measure(database, given.registrations)))


if __name__ == "__main__":
    main(sys.argv[1:])
