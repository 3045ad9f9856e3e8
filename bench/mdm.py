"""How fast enrolments are found among many: ``python -m bench.mdm [--enrolments N]``.

Fills a database with enrolments, then finds some by their hash, one after the other, through the threads
and Deferreds that a gateway uses. Prints a line of JSON for each figure; exit status 1 when the slowest of
the finds took 50 ms or more.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet.task import react

from pushgate.database.interface import Session
from pushgate.database.sqlite import SqliteDatabase
from pushgate.mdm import enrolments
from pushgate.mdm.tables import MDM_SCHEMA
from pushgate.model.enrolment import EnrolmentRequest
from pushgate.testing.context import context

CHUNK = 10_000
"""Enrolments of one transaction."""
FINDS = 1000
LIMIT = 0.05
"""Seconds that a find may take."""


def token(number: int) -> bytes:
    """The token of a device."""
    return random.Random(number).randbytes(32)


def fill(session: Session, first: int, count: int) -> None:
    """Enrol devices."""
    for number in range(first, first + count):
        request = EnrolmentRequest(token=token(number), push_magic=f"magic-{number}", device=f"udid-{number}")
        enrolments.enrol(session, "devices", "com.apple.mgmt.External.1", request, time.time())


async def main(reactor: Any, given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = SqliteDatabase(Path(directory) / "enrolments.sqlite", context(reactor), MDM_SCHEMA)
        database.start()
        began = time.monotonic()
        for first in range(0, given.enrolments, CHUNK):
            await database.write(fill, first, min(CHUNK, given.enrolments - first))
        seconds = time.monotonic() - began
        print(json.dumps({"enrolled": given.enrolments, "a second": round(given.enrolments / seconds)}))
        slowest = await finds(database, given.enrolments)
        await database.stop()
    if slowest >= LIMIT:
        raise SystemExit(1)


async def finds(database: SqliteDatabase, count: int) -> float:
    """Find enrolments by their hash; return the seconds that the slowest one took."""
    chosen = random.Random(0)
    taken = []
    for _ in range(FINDS):
        wanted = token(chosen.randrange(count))
        began = time.monotonic()
        found = await database.read(enrolments.find, "devices", enrolments.sha256_of(wanted))
        taken.append(time.monotonic() - began)
        assert [each.token for each in found] == [wanted]
    taken.sort()
    figures = {"median": taken[FINDS // 2], "99 %": taken[FINDS * 99 // 100], "slowest": taken[-1]}
    print(json.dumps({"find, ms": {name: round(each * 1000, 2) for name, each in figures.items()}}))
    return taken[-1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--enrolments", type=int, default=1_000_000, metavar="N")
    react(main, [parser.parse_args()])
