"""The durable spool alone, in a directory of its own: what its tests stand on."""

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pushgate.gateway.spool.interface import Kept
from pushgate.gateway.spool.sqlite import SqliteSpool
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, State
from pushgate.plugin.context import Context

WALL = 1_700_000_100.0


def outcome(of: Batch, start: int, stop: int, **history: Any) -> Outcome:
    return Outcome(BatchSlice(of, start, stop, **history), State.ACCEPTED, None, "", WALL, "test")


class SpoolCase(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.wall = WALL
        self.spool = self.opened()
        self.addCleanup(lambda: self.spool.close())

    def made(self) -> SqliteSpool:
        context = Context(reactor=reactor, wall=lambda: self.wall, jitter=lambda: 0.0, metrics=Metrics())
        return SqliteSpool(self.directory, context)

    def opened(self) -> SqliteSpool:
        spool = self.made()
        spool.start()
        return spool

    async def restart(self) -> None:
        await self.spool.close()
        self.spool = self.opened()

    async def keep(self, *batches: Batch) -> None:
        for each in batches:
            self.assertEqual(await self.spool.append(each, None), each.id)

    async def kept(self, priority: int = 10) -> list[Kept]:
        page = await self.spool.page("news", priority, 0, 1_000_000)
        self.assertFalse(page.more)
        return list(page.kept)

    def refused(self) -> str:
        """Why it does not start, in one line."""
        with self.assertRaises(CannotStart) as caught:
            self.made().start()
        [line] = caught.exception.faults
        self.assertNotIn("\n", line)
        return line
