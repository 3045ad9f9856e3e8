"""What the ledger keeps is replayed from any position: in order, whole, each once, over restarts too."""

import sqlite3

from msgspec.structs import replace
from zope.interface.verify import verifyObject

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import DeadToken, Report, State
from pushgate.model.outcome_record import hash_token, kept_lines, lines
from pushgate.model.target import TargetForm
from pushgate.plugin.sink_interface import IReplays, ReplayPage
from pushgate.sinks.ledger import sink, store
from pushgate.sinks.ledger.sink import FILE, LedgerSink
from pushgate.sinks.ledger.store import PAGE_ROWS
from tests.ledger_rig import WALL, LedgerCase, reported
from tests.samples import batch, token

DEAD = DeadToken("news", token(7), 1, WALL, "apns-stream")


async def everything(ledger: LedgerSink, after: int = 0) -> list[tuple[int, Report]]:
    """All reports behind a position, page by page."""
    found: list[tuple[int, Report]] = []
    while True:
        page = await ledger.replay(after)
        assert page.after == after
        if not page.reports:
            return found
        found += page.reports
        after = page.end


async def records(ledger: LedgerSink, after: int = 0) -> list[str]:
    """The records of all behind a position."""
    return [line for _, each in await everything(ledger, after) for line in kept_lines(each)]


class ReplayTests(LedgerCase):
    async def test_interface(self) -> None:
        """It can be asked as the gateway's inputs ask."""
        ledger = self.started()
        self.assertTrue(verifyObject(IReplays, ledger))
        self.assertRegex(ledger.epoch, "^[0-9a-f]{8}$")
        await ledger.stop()

    async def test_to_the_letter(self) -> None:
        """Each record is as it was reported: runs in the middle of a batch, corrections, dead tokens."""
        ledger = self.started()
        told = [reported(2, 5, State.PRESUMED), reported(3, 4, State.ACCEPTED, recalled=True), DEAD]
        await ledger.emit(told)
        self.assertEqual(await records(ledger), [line for each in told for line in lines(each)])
        await ledger.stop()

    async def test_from_within_a_run(self) -> None:
        """A position is that of one notification: what comes behind it is the rest of its run."""
        ledger = self.started()
        await ledger.emit([reported(1, 5), reported(order=1)])
        [(first, _), (second, _)] = await everything(ledger)
        for read in range(4):
            (at, rest), *others = (await ledger.replay(first + read)).reports
            if read < 3:
                self.assertEqual(at, first + read + 1)
                self.assertEqual(kept_lines(rest), lines(reported(2 + read, 5)))
            else:
                self.assertEqual((at, others), (second, []))
        await ledger.stop()

    async def test_pages(self) -> None:
        """They are bounded by rows and by bytes, and together they are all there is, once."""
        ledger = self.started()
        await ledger.emit([reported(order=order) for order in range(PAGE_ROWS + 3)])
        self.assertEqual(len((await ledger.replay(0)).reports), PAGE_ROWS)
        self.assertEqual(len(await everything(ledger)), PAGE_ROWS + 3)
        self.patch(store, "PAGE_BYTES", 1)
        self.assertEqual(len((await ledger.replay(0)).reports), 1)
        self.assertEqual(len(await everything(ledger)), PAGE_ROWS + 3)
        await ledger.stop()

    async def test_tokens(self) -> None:
        """They are as they are kept: hashes in hex, whatever the form of the targets, or null."""
        text = replace(batch(1), form=TargetForm.TEXT)
        told = [replace(reported(), span=BatchSlice(text, 0, 1)), replace(DEAD, form=TargetForm.TEXT)]
        for kept, expected in (("hash", hash_token(token(0))), ("none", None)):
            ledger = self.started(tokens=kept)
            after = (await ledger.replay(None)).end
            await ledger.emit(told)
            wanted = [
                f'"{expected}"' if expected else "null",
                f'"{hash_token(token(7))}"' if expected else "null",
            ]
            for record, shown in zip(await records(ledger, after), wanted, strict=True):
                self.assertIn(f'"token":{shown},', record)
            await ledger.stop()

    async def test_to_followers(self) -> None:
        """What is kept is passed on once it is, with its positions, in pages that follow one another."""
        ledger = self.started()
        pages: list[ReplayPage | None] = []
        unfollow = ledger.follow(pages.append)
        start = (await ledger.replay(None)).end
        await ledger.emit([reported(), DEAD])
        await ledger.emit([reported(order=1)])
        first, second = pages
        assert first is not None
        assert second is not None
        self.assertEqual((first.after, second.after), (start, first.end))
        self.assertEqual(
            [*first.reports, *second.reports],
            list(
                zip(
                    [at for at, _ in await everything(ledger)],
                    [reported(), DEAD, reported(order=1)],
                    strict=True,
                )
            ),
        )
        unfollow()
        await ledger.emit([reported(order=2)])
        ledger.follow(pages.append)
        await ledger.stop()
        self.assertEqual(pages, [first, second, None])

    async def test_positions_grow(self) -> None:
        """Over restarts, and when all was removed: a position never comes again, and its epoch stays."""
        ledger = self.started(keep="1h")
        await ledger.emit([reported()])
        [(first, _)] = await everything(ledger)
        epoch = ledger.epoch
        await ledger.stop()
        self.wall += 3601
        ledger = self.started(keep="1h")
        while await everything(ledger):
            pass
        await ledger.emit([reported(at=self.wall)])
        [(second, _)] = await everything(ledger)
        self.assertGreater(second, first)
        self.assertEqual(ledger.epoch, epoch)
        await ledger.stop()

    async def test_gaps(self) -> None:
        """A reader that resumes from what was removed gets a gap event; one that had read it does not."""
        self.patch(sink, "SWEEP", 0.01)
        ledger = self.started(keep="1h")
        await ledger.emit([reported(order=1), reported(order=2), reported(order=3, at=WALL + 3000)])
        [(first, _), (second, _), (third, _)] = await everything(ledger)
        self.assertFalse((await ledger.replay(0)).missing)
        self.wall += 3601
        while len(await everything(ledger)) > 1:
            pass
        pages = [await ledger.replay(after) for after in (0, first, second + 1, second + 2)]
        self.assertEqual([page.missing for page in pages], [True, True, True, False])
        self.assertEqual({page.reports[0][0] for page in pages}, {third})
        await ledger.stop()

    async def test_positions_that_were_not_given(self) -> None:
        """Behind the end, as after an older copy was put in place, some are missing, and nothing follows."""
        ledger = self.started()
        await ledger.emit([reported()])
        end = (await ledger.replay(None)).end
        self.assertEqual(await ledger.replay(end), ReplayPage(end, end))
        self.assertEqual(await ledger.replay(end + 1), ReplayPage(end + 1, end, (), missing=True))
        self.assertTrue((await ledger.replay(10**19 - 1)).missing)
        await ledger.stop()

    async def test_another_file(self) -> None:
        """Its positions have another epoch."""
        ledger = self.started()
        epoch = ledger.epoch
        await ledger.stop()
        (self.directory / FILE).unlink()
        ledger = self.started()
        self.assertNotEqual(ledger.epoch, epoch)
        await ledger.stop()

    async def test_one_of_an_earlier_version(self) -> None:
        """Its outcomes have positions from the next start on."""
        ledger = self.started()
        await ledger.emit([reported()])
        await ledger.stop()
        connection = sqlite3.connect(self.directory / FILE)
        connection.execute("DROP TABLE position")
        connection.commit()
        connection.close()
        ledger = self.started()
        self.assertEqual(await records(ledger), lines(reported()))
        await ledger.stop()

    async def test_no_room_at_the_start(self) -> None:
        """Positions are made once there is some."""
        ledger = self.started()
        ledger._store.epoch = ""
        ledger._store._connection.execute("DROP TABLE position")
        await ledger.emit([reported()])
        self.assertEqual(len(await everything(ledger)), 1)
        self.assertTrue(ledger.epoch)
        await ledger.stop()


class CrashTests(LedgerCase):
    """After a crash what not every sink had taken is reported again, perhaps in other runs."""

    async def again(self, *told: Report, tokens: str = "full") -> tuple[list[str], list[ReplayPage | None]]:
        """Report `DEAD` and members 0 to 3, restart, and report these; return records, and what followers got."""
        ledger = self.started(tokens=tokens)
        await ledger.emit([reported(0, 1), reported(2, 4), DEAD])
        await ledger.stop()
        self.wall += 1
        ledger = self.started(tokens=tokens)
        pages: list[ReplayPage | None] = []
        after = (await ledger.replay(None)).end
        unfollow = ledger.follow(pages.append)
        await ledger.emit(told)
        unfollow()
        found = await records(ledger, after)
        await ledger.stop()
        return found, pages

    async def test_the_same(self) -> None:
        """What was kept before is not kept again, and no reader gets it again."""
        found, [page] = await self.again(reported(2, 4), DEAD, reported(0, 1))
        assert page is not None
        self.assertEqual((found, page.reports, self.rows()), ([], (), 3))

    async def test_in_other_runs(self) -> None:
        """The members that are new are kept alone, with their own tokens."""
        for tokens in ("full", "none"):
            with self.subTest(tokens):
                found, [page] = await self.again(reported(0, 5), tokens=tokens)
                assert page is not None
                self.assertEqual([line for _, each in page.reports for line in kept_lines(each)], found)
                expected = [*kept_lines(reported(1, 2)), *kept_lines(reported(4, 5))]
                if tokens == "full":
                    self.assertEqual(found, expected)
                else:
                    self.assertEqual([line.count('"token":null') for line in found], [1, 1])
                (self.directory / FILE).unlink()

    async def test_what_is_new(self) -> None:
        """Other outcomes of the same members are kept: corrections, and what happened at another time."""
        other = [
            reported(2, 4, State.REJECTED, recalled=True),
            reported(0, 1, at=WALL - 1),
            replace(DEAD, since=2),
        ]
        found, _ = await self.again(*other)
        self.assertEqual(found, [line for each in other for line in lines(each)])
