"""The mark beside the spool: a log that was deleted or damaged is noticed, and nothing else is taken for it."""

import shutil
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pushgate.gateway.spool import high_water_mark
from pushgate.gateway.spool.high_water_mark import HighWaterMark, Missing
from pushgate.gateway.spool.spool_file import FILE
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch, Delivery
from tests.samples import batch
from tests.spool_rig import SpoolCase, outcome

WAL = f"{FILE}-wal"


class MarkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()

    def opened(self) -> HighWaterMark:
        mark = HighWaterMark(self.directory)
        self.addCleanup(mark.close)
        self.assertEqual(mark.trouble, "")
        return mark

    def test_nothing_is_missing(self) -> None:
        """A new one, one that is behind its spool, and one that says what the spool says."""
        mark = self.opened()
        self.assertIsNone(mark.compare(0, []))
        self.assertIsNone(mark.compare(7, [(3, 10)]))
        mark.committed(8, [(4, 20)])
        again = self.opened()
        self.assertIsNone(again.compare(8, [(3, 10)]), "batches alone say nothing")
        self.assertIsNone(again.compare(8, []))

    def test_what_is_missing(self) -> None:
        """The commits, and of the batches that were not done those that are not there; once."""
        mark = self.opened()
        mark.committed(1, [(1, 10)])
        mark.committed(2, [(2, 20), (3, 30), (4, 40)])
        mark.done([3, 99])
        again = self.opened()
        self.assertEqual(again.compare(1, [(1, 10)]), Missing(1, 2, 60))
        self.assertIsNone(self.opened().compare(1, [(1, 10)]))

    def test_no_more_than_it_holds(self) -> None:
        """Later batches take the places of the first."""
        self.patch(high_water_mark, "REMEMBERED", 4)
        mark = HighWaterMark(self.directory)
        for order in range(1, 8):
            mark.committed(order, [(order, order)])
        mark.done([3, 4])
        self.assertEqual(mark.compare(0, []), Missing(7, 3, 5 + 6 + 7))
        mark.close()

    def test_a_file_that_is_none(self) -> None:
        """It is made anew."""
        for content in (b"", b"no mark" * 100_000, bytes(high_water_mark._SIZE)):
            (self.directory / high_water_mark.FILE).write_bytes(content)
            self.assertIsNone(self.opened().compare(0, []))
            self.assertIsNone(self.opened().compare(1, []))

    def test_it_cannot_be_made(self) -> None:
        """It says why, and does what is asked of it all the same."""
        (self.directory / high_water_mark.FILE).mkdir()
        mark = HighWaterMark(self.directory)
        self.assertIn("directory", mark.trouble)
        mark.committed(5, [(1, 1)])
        mark.sync()
        self.assertEqual(mark.compare(4, []), Missing(1, 1, 1))
        mark.close()


class LostLogTests(SpoolCase):
    """What is said of a copy of the directory, taken while the spool is open as a kill would leave it."""

    def crashed(self) -> Path:
        directory = Path(self.mktemp())
        shutil.copytree(self.directory, directory)
        return directory

    async def said(self, directory: Path) -> list[dict[str, Any]]:
        """Errors and warnings at a start with this directory, whose spool is the open one then."""
        await self.spool.close()
        self.directory = directory
        with capturedLogs() as logged:
            self.spool = self.opened()
        return [event for event in logged if event["log_level"] in {LogLevel.warn, LogLevel.error}]

    async def worked(self) -> list[Batch]:
        """A spool with two batches in the file, and in its log three batches, one of them done, and outcomes."""
        sizes = enumerate([7, 6, 5, 4, 3], 1)
        of = [replace(batch(n, order=order), delivery=Delivery.AT_MOST_ONCE) for order, n in sizes]
        await self.keep(*of[:2])
        await self.restart()
        await self.keep(*of[2:])
        await self.spool.intend([BatchSlice(of[0], 0, 2)])
        await self.spool.settle(1, [outcome(of[1], 0, 3), outcome(of[3], 0, 4)])
        self.spool.delivered([1], [4])
        await self.spool.find(of[0].id)
        return of

    async def test_killed(self) -> None:
        """With its log nothing is missing, however often it is killed; nor after a clean stop."""
        await self.worked()
        first = self.crashed()
        self.assertEqual(await self.said(first), [])
        self.assertEqual(await self.said(self.crashed()), [])
        await self.restart()
        self.assertEqual([kept.batch.order for kept in await self.kept()], [1, 2, 3, 5])

    async def test_killed_between_the_commit_and_the_mark(self) -> None:
        """The mark is behind then, and a batch may be struck off and still be there: nothing is missing."""
        of = await self.worked()
        self.patch(self.spool._mark, "committed", lambda commits, batches: None)
        await self.keep(batch(9, order=6))
        self.spool._mark.done([of[4].order])
        self.assertEqual(await self.said(self.crashed()), [])

    async def test_a_deleted_log(self) -> None:
        """It is said what is lost; under at-most-once all that is there may have been written; and only once."""
        await self.worked()
        directory = self.crashed()
        (directory / WAL).unlink()
        [event] = await self.said(directory)
        self.assertEqual(event["log_level"], LogLevel.error)
        self.assertEqual((event["notifications"], event["batches"]), (5 + 3, 2))
        self.assertGreaterEqual(event["commits"], 3)
        kept = await self.kept()
        self.assertEqual([(each.batch.order, each.left, each.intended) for each in kept],
                         [(1, ((0, 7),), ((0, 65536),)), (2, ((0, 6),), ((0, 65536),))])  # fmt: skip
        self.assertEqual(await self.said(self.crashed()), [])

    async def test_a_damaged_log(self) -> None:
        """From the damage on nothing counts: what was committed behind it is missing."""
        await self.worked()
        for at, directory in [(at, self.crashed()) for at in (0, 40, 20_000, -1)]:
            content = bytearray((directory / WAL).read_bytes())
            content[at] ^= 0x55
            (directory / WAL).write_bytes(content)
            [event] = await self.said(directory)
            self.assertGreaterEqual(event["commits"], 1)

    async def test_a_file_of_before(self) -> None:
        """An older copy of the file, or a new one in place of one that was deleted, is noticed as well."""
        await self.worked()
        await self.spool.close()
        before = (self.directory / FILE).read_bytes()
        self.spool = self.opened()
        await self.keep(batch(4, order=9))
        older, without = self.crashed(), self.crashed()
        for directory in (older, without):
            (directory / WAL).unlink()
            (directory / FILE).unlink()
        (older / FILE).write_bytes(before)
        [event] = await self.said(older)
        self.assertEqual((event["commits"], event["notifications"]), (1, 4))
        [event] = await self.said(without)
        self.assertEqual(event["batches"], 5)

    async def test_without_a_mark(self) -> None:
        """Where there is none, as with a directory of an earlier version, nothing is missing; then there is one."""
        await self.worked()
        directory = self.crashed()
        (directory / high_water_mark.FILE).unlink()
        (directory / WAL).unlink()
        self.assertEqual(await self.said(directory), [])
        await self.keep(batch(9, order=9))
        directory = self.crashed()
        (directory / WAL).unlink()
        [event] = await self.said(directory)
        self.assertEqual(event["notifications"], 9)

    async def test_a_mark_that_cannot_be_made(self) -> None:
        """The start says that the log is not watched, and everything else goes on."""
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / high_water_mark.FILE).mkdir()
        [event] = await self.said(directory)
        self.assertEqual(event["log_level"], LogLevel.warn)
        await self.keep(batch(9, order=1))

    async def test_it_is_written_now_and_then(self) -> None:
        """Every few seconds, with a commit, the mark goes to the disk: it outlives a loss of power, too."""
        synced: list[bool] = []
        mark = self.spool._mark
        self.patch(mark, "sync", lambda: synced.append(True))
        await self.keep(batch(1, order=1))
        await self.keep(batch(1, order=2))
        self.assertEqual(synced, [True])
