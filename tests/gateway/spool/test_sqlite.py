"""The durable spool alone: what comes back after a restart, and what it does with a bad file or a full disk."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from pushgate.gateway.spool import writer
from pushgate.gateway.spool.idempotency_keys import KEEP_KEYS
from pushgate.gateway.spool.interface import ISpool, Undelivered
from pushgate.gateway.spool.spool_file import FILE
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import Conflict, Overloaded
from pushgate.model.notification import Batch, Delivery, Priority
from pushgate.model.outcome import DeadToken, Outcome, State
from pushgate.model.outcome_record import lines
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm
from tests.samples import ID, PAYLOAD, batch
from tests.spool_rig import WALL, SpoolCase, outcome


class KeepingTests(SpoolCase):
    def test_interface(self) -> None:
        """It is a spool."""
        self.assertTrue(verifyObject(ISpool, self.spool))

    async def test_what_was_kept_comes_back(self) -> None:
        """After a restart a batch is what it was, and waits since it was accepted."""
        terms = {
            "collapse_id": "é",
            "expiration": 5,
            "registered_at": 6,
            "push_type": "alert",
            "topic": "t",
            "rate": 0.5,
            "pace": "p",
        }
        each = Packed.of([b"{}", b'{"a":1}', b"{}"], 2)
        first = batch(3, order=1, payload=each, refused=(1,), **terms)
        second = replace(batch(2, order=2, delivery=Delivery.AT_MOST_ONCE), delivery=Delivery.AT_MOST_ONCE)
        await self.keep(first, second, batch(1, order=3, priority=Priority.BULK))
        await self.restart()
        self.assertEqual(self.spool.waiting(), {("news", 10): 4, ("news", 5): 1})
        self.assertEqual(self.spool.last_order(), 3)
        before, kept, after = reactor.seconds(), await self.kept(), reactor.seconds()
        self.assertEqual([each.left for each in kept], [((0, 1), (2, 3)), ((0, 2),)])
        self.assertEqual([replace(each.batch, waiting_since=0.0) for each in kept], [first, second])
        read_at = kept[0].batch.waiting_since + WALL - first.accepted_at
        self.assertTrue(before - 0.001 < read_at < after + 0.001, (before, read_at, after))

    async def test_an_empty_one(self) -> None:
        """Nothing waits, nothing is found."""
        self.assertEqual((self.spool.waiting(), self.spool.last_order()), ({}, 0))
        self.assertEqual(await self.kept(), [])
        self.assertIsNone(await self.spool.find(ID))

    async def test_settled(self) -> None:
        """What is settled does not come back; of a finished batch nothing is left, corrections included."""
        first, second = batch(5, order=1), batch(1, order=2)
        await self.keep(first, second)
        self.spool.settle(1, [outcome(first, 1, 3), outcome(second, 0, 1)])
        self.spool.delivered([1], [2])
        self.spool.settle(2, [outcome(second, 0, 1, recalled=True), outcome(first, 1, 2, recalled=True)])
        self.spool.delivered([2], [])
        await self.restart()
        self.assertEqual(self.spool.waiting(), {("news", 10): 3})
        self.assertEqual([each.left for each in await self.kept()], [((0, 1), (3, 5))])
        await self.spool.settle(3, [outcome(first, 0, 1), outcome(first, 3, 5)])
        self.spool.delivered([3], [1])
        await self.restart()
        for table in ("batch", "settled", "intended", "report"):
            [(count,)] = self.spool._connection.execute(f"SELECT count(*) FROM {table}")
            self.assertEqual(count, 0, table)

    async def test_untold(self) -> None:
        """Reports come back as they were until they are reported; so do their batches, of which nothing waits."""
        first, second = replace(batch(3, order=1, refused=(1,)), payload=b""), batch(2, order=2)
        await self.keep(first, second)
        gone = batch(4, order=3)
        whole = (outcome(first, 0, 1, attempts=2), outcome(first, 2, 3))
        correction = Outcome(
            BatchSlice(gone, 2, 4, 1, recalled=True), State.REJECTED, 8, "InvalidToken", WALL, "x"
        )
        dead = DeadToken("news", b"\1\2", 5, WALL, "apns-stream")
        self.spool.settle(1, [outcome(second, 0, 1)])
        self.spool.settle(2, whole)
        self.spool.settle(7, [correction, dead])
        self.spool.settle(8, [outcome(gone, 0, 1)])  # a batch nobody knows: it cannot be reported
        self.spool.delivered([1], [])
        await self.restart()
        unreported = self.spool.undelivered()
        self.assertEqual(
            ([number for number, _ in unreported.reports], unreported.finished), ([2, 7, 8], (1,))
        )
        self.assertEqual(
            [lines(report) for report in unreported.reports[0][1]], [lines(each) for each in whole]
        )
        self.assertEqual(
            [lines(report) for report in unreported.reports[1][1]], [lines(correction), lines(dead)]
        )
        self.assertEqual(unreported.reports[2][1], ())
        self.assertEqual([(each.batch.order, each.left) for each in await self.kept()], [(2, ((1, 2),))])
        self.spool.delivered([2, 7, 8], [1])
        await self.restart()
        self.assertEqual(self.spool.undelivered(), Undelivered())
        self.assertEqual(self.spool.waiting(), {("news", 10): 1})

    async def test_taken(self) -> None:
        """How far each sink is comes back after a restart, the last of each; also when nothing else is kept."""
        self.spool.note_taken({"log": 3, "hubs.main": 5})
        self.spool.note_taken({"log": 4})
        await self.restart()
        self.assertEqual(self.spool.undelivered(), Undelivered(taken={"log": 4, "hubs.main": 5}))

    async def test_a_new_target(self) -> None:
        """A report that was not delivered keeps what a push service said besides, also of a batch that is gone."""
        of = replace(batch(2, order=1), form=TargetForm.TEXT)
        await self.keep(of)
        told = replace(outcome(of, 0, 1), state=State.REPLACED, replacement="ü b".encode(), unique_id="u")
        gone = replace(told, span=BatchSlice(batch(2, order=2), 1, 2, 1, recalled=True))
        self.spool.settle(1, [told, gone])
        await self.restart()
        [(_, reports)] = self.spool.undelivered().reports
        self.assertEqual([lines(each) for each in reports], [lines(told), lines(gone)])
        self.assertIn('"replacement":"ü b"', lines(reports[0])[0])

    async def test_pages(self) -> None:
        """A page ends with the batch that fills it, and the next begins behind it."""
        await self.keep(*(batch(2, order=order) for order in range(1, 6)))
        size = len(batch(2).tokens.blob) + len(PAYLOAD)
        self.assertEqual(await self.paged(0, size + 1), ([1, 2], 2, True))
        self.assertEqual(await self.paged(2, 10 * size), ([3, 4, 5], 5, False))
        self.assertEqual(await self.paged(5, size), ([], 5, False))

    async def test_a_page_of_batches_that_are_done(self) -> None:
        """It says how far it was read: batches of which nothing is left fill it too, however many they are."""
        of = [batch(2, order=order) for order in range(1, 6)]
        await self.keep(*of)
        self.spool.settle(1, [outcome(each, 0, 2) for each in of[:4]])  # and no sink took it
        size = len(batch(2).tokens.blob) + len(PAYLOAD)
        self.assertEqual(await self.paged(0, size + 1), ([], 2, True))
        self.assertEqual(await self.paged(2, size + 1), ([], 4, True))
        self.assertEqual(await self.paged(4, size + 1), ([5], 5, False))

    async def paged(self, after: int, limit: int) -> tuple[list[int], int, bool]:
        page = await self.spool.page("news", 10, after, limit)
        return [each.batch.order for each in page.kept], page.last, page.more

    async def test_find(self) -> None:
        """Any member leads to its batch."""
        await self.keep(batch(2, order=1), batch(2, order=2))
        found = await self.spool.find(ID + (2 << 16) + 1)
        self.assertEqual(found.batch.order, 2)

    async def test_intended(self) -> None:
        """What was intended is reported after a restart, without what was forgone; and it goes with its batch."""
        of = batch(9, order=1)
        await self.keep(of)
        await self.spool.intend([BatchSlice(of, 0, 3), BatchSlice(of, 4, 8)])
        self.spool.forgo([BatchSlice(of, 2, 5)])
        self.spool.forgo([])
        await self.restart()
        [kept] = await self.kept()
        self.assertEqual((kept.left, kept.intended), (((0, 9),), ((0, 2), (5, 8))))

    async def test_many_at_once(self) -> None:
        """What comes while a commit runs is kept with the next one, each with its answer."""
        batches = [batch(1, order=order) for order in range(1, 200)]
        answers = [self.spool.append(each, None) for each in batches]
        self.assertEqual([await answer for answer in answers], [each.id for each in batches])
        self.assertEqual(len(await self.kept()), 199)

    async def test_a_failing_read(self) -> None:
        """Who asked hears of an error; the others go on."""
        broken = self.spool._read(lambda view: 1 / 0)
        await self.assertFailure(broken, ZeroDivisionError)
        await self.keep(batch(1, order=1))


class KeyTests(SpoolCase):
    async def test_keys(self) -> None:
        """A key is answered with its first id for a day, over restarts; other content is a conflict."""
        first, again, other = (batch(2, order=1), batch(2, order=2), batch(3, order=3))
        both = [self.spool.append(first, "k"), self.spool.append(again, "k")]
        self.assertEqual([await each for each in both], [first.id, first.id])
        await self.restart()
        self.assertEqual(await self.spool.append(again, "k"), first.id)
        await self.assertFailure(self.spool.append(other, "k"), Conflict)
        self.assertEqual(await self.spool.append(replace(other, app="chat"), "k"), other.id)
        self.assertEqual([each.batch.order for each in await self.kept()], [1])
        self.wall += KEEP_KEYS
        self.assertEqual(await self.spool.append(again, "k"), again.id)


class DeadTests(SpoolCase):
    async def dead(self, app: str = "news") -> list[DeadTokenEntry]:
        return await self.spool.dead(app, b"", 10_000)

    async def test_dead_tokens(self) -> None:
        """They come back after a restart with times, reasons and doubts, page by page, each app its own."""
        deaths = [
            DeadTokenEntry(
                n.to_bytes(2 + n % 99, "big"),
                2**32 - 1 - n,
                list(DeadReason)[n % len(DeadReason)],
                n % 2 == 0,
            )
            for n in range(1, 1200)
        ]
        await self.spool.bury("news", deaths)
        await self.spool.bury("chat", [DeadTokenEntry(b"a", 5, DeadReason.IMPORTED)])
        await self.restart()
        deaths.sort(key=lambda death: death.token)
        self.assertEqual(await self.dead(), deaths)
        self.assertEqual(await self.spool.dead("news", deaths[6].token, 3), deaths[7:10])
        self.assertEqual(await self.dead("chat"), [DeadTokenEntry(b"a", 5, DeadReason.IMPORTED)])
        await self.spool.unbury("news", [death.token for death in deaths[:-1]])
        self.assertEqual(await self.dead(), deaths[-1:])

    async def test_tokens_that_are_text(self) -> None:
        """Whatever is in them, and as long as a target can be."""
        texts = ["https://x/ü 1", '{"endpoint": "https://x"}', "\0\n", "z" * 4096]
        deaths = [DeadTokenEntry(each.encode(), 5, DeadReason.GONE) for each in texts]
        await self.spool.bury("news", deaths)
        await self.restart()
        self.assertEqual(await self.dead(), sorted(deaths, key=lambda death: death.token))

    async def test_the_later_death_stands(self) -> None:
        """In whatever order they come, together or apart; what was taken out before does not count."""
        for times in ([5, 7, 6], [7, 7, 5]):
            for since in times:
                self.spool.bury("news", [DeadTokenEntry(b"a", since, DeadReason.FEEDBACK)])
            self.assertEqual(await self.dead(), [DeadTokenEntry(b"a", 7, DeadReason.FEEDBACK)])
            self.spool.unbury("news", [b"a", b"b"])
            self.spool.bury("news", [DeadTokenEntry(b"a", 1, DeadReason.FEEDBACK)])
            self.assertEqual(await self.dead(), [DeadTokenEntry(b"a", 1, DeadReason.FEEDBACK)])

    async def test_confirmed(self) -> None:
        """What was in doubt is certain, of this app only."""
        for app in ("news", "chat"):
            self.spool.bury(app, [DeadTokenEntry(b"a", 5, DeadReason.INVALID_TOKEN, True)])
        self.spool.confirm("news")
        self.assertEqual(
            [each.doubted for app in ("news", "chat") for each in await self.dead(app)], [False, True]
        )

    async def test_a_word_of_a_later_version(self) -> None:
        """A reason that this version does not know has come from elsewhere; the token is dead all the same."""
        await self.spool.bury("news", [DeadTokenEntry(b"a", 5, DeadReason.FEEDBACK)])
        await self.spool._read(
            lambda _: self.spool._connection.execute("UPDATE dead SET reason = 'Vanished'").fetchall()
        )
        self.assertEqual(await self.dead(), [DeadTokenEntry(b"a", 5, DeadReason.IMPORTED)])


class FaultTests(SpoolCase):
    async def test_a_second_gateway(self) -> None:
        """The directory of a running gateway is refused, and free when that has ended."""
        self.assertIn(f"{self.directory}: in use by another gateway", self.refused())
        await self.restart()

    async def damaged(self, damage: Any) -> str:
        """What is said of a spool that somebody damaged; it is left as it was."""
        await self.keep(*(batch(500, order=order) for order in range(1, 20)))
        await self.spool.close()
        file = self.directory / FILE
        damage(file)
        before = file.read_bytes()
        line = self.refused()
        self.assertEqual(file.read_bytes(), before)
        self.assertIn(f"gateway.state_dir: {file}: ", line)
        file.unlink()
        self.spool = self.opened()
        return line

    async def test_truncated(self) -> None:
        """A file that lost its end is named and not touched."""
        await self.damaged(lambda file: os.truncate(file, file.stat().st_size // 2))

    async def test_overwritten(self) -> None:
        """So is one with garbage in the middle."""

        def damage(file: Path) -> None:
            with file.open("r+b") as spoilt:
                spoilt.seek(20_000)
                spoilt.write(b"\xff" * 60_000)

        await self.damaged(damage)

    async def test_not_a_database(self) -> None:
        """So is something else altogether."""
        await self.damaged(lambda file: file.write_text("my diary\n" * 1000))

    async def test_somebody_elses_database(self) -> None:
        """So is the database of another program, which is not even made to use a journal of our kind."""

        def damage(file: Path) -> None:
            file.unlink()
            with sqlite3.connect(file) as other:
                other.execute("CREATE TABLE precious (x)")
            other.close()

        self.assertIn("another program", await self.damaged(damage))

    async def test_of_a_later_version(self) -> None:
        """So is a spool that a later version wrote."""

        def damage(file: Path) -> None:
            with sqlite3.connect(file) as later:
                later.execute("PRAGMA user_version = 99")
            later.close()

        self.assertIn("later version (format 99", await self.damaged(damage))

    async def test_not_a_directory(self) -> None:
        """A state directory that is none, or cannot be written, is named."""
        await self.spool.close()
        self.directory = self.directory / FILE
        self.assertIn(f"{self.directory}: Not a directory", self.refused())
        self.directory = Path("/proc/self")
        self.assertIn("must be a writable directory", self.refused())
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.spool = self.opened()

    def test_never_started(self) -> None:
        """Closing what was never opened is done at once."""
        self.successResultOf(self.made().close())


class FullTests(SpoolCase):
    def limit(self, pages: int) -> None:
        """Let the file have so many pages."""
        self.spool._connection.execute(f"PRAGMA max_page_count = {pages}")

    async def test_full(self) -> None:
        """What does not fit is refused; what is settled makes room; then all is well again."""
        self.limit(40)
        big = Packed.of([b"{" + b" " * 60_000 + b"}"], 2)
        fitted: list[Batch] = []
        with capturedLogs() as events:
            while True:
                each = batch(1, order=len(fitted) + 1, payload=big)
                try:
                    await self.keep(each)
                except Overloaded as error:
                    self.assertIn(f"{self.directory / FILE}: database or disk is full", str(error))
                    break
                fitted.append(each)
            await self.assertFailure(self.spool.append(replace(each, order=99), None), Overloaded)
            settled = outcome(fitted[0], 0, 1)
            refused = self.spool.append(each, None)
            self.spool.settle(1, [settled])
            self.spool.delivered([1], [1])
            await refused.addErrback(lambda failure: failure.trap(Overloaded))
            await self.keep(replace(each, order=100))
        self.assertEqual(len([event for event in events if event["log_level"].name == "error"]), 1)
        self.assertEqual([each.batch.order for each in await self.kept()], [*range(2, len(fitted) + 1), 100])

    async def test_what_is_owed(self) -> None:
        """While nothing can be written, what is settled stays owed and is not given out; an intention waits."""
        self.patch(writer, "RETRY", 0.01)
        of = batch(3, order=1)
        await self.keep(of)
        self.spool._connection.execute("PRAGMA query_only = 1")
        settled = self.spool.settle(1, [outcome(of, 0, 1)])
        intended = self.spool.intend([BatchSlice(of, 1, 2)])
        with capturedLogs():
            await self.assertFailure(self.spool.append(batch(1, order=2), None), Overloaded)
            await settled  # those who wait get their answer all the same
            [kept] = await self.kept()
            self.assertEqual((kept.left, kept.intended), (((1, 3),), ()))
            self.assertFalse(intended.called)
            self.spool._read(lambda _: self.spool._connection.execute("PRAGMA query_only = 0").fetchall())
            await intended
            await self.restart()
        [kept] = await self.kept()
        self.assertEqual((kept.left, kept.intended), (((1, 3),), ((1, 2),)))

    async def test_dead_tokens_wait_for_room(self) -> None:
        """None is reported as safe before they are; what is settled meanwhile makes the room."""
        self.patch(writer, "RETRY", 0.01)
        of = batch(1, order=1, payload=Packed.of([b"{" + b" " * 60_000 + b"}"], 2))
        await self.keep(of)
        await self.spool._read(lambda _: self.limit(1))
        deaths = [DeadTokenEntry(bytes(100) + bytes([n]), 5, DeadReason.FEEDBACK) for n in range(250)]
        with capturedLogs() as events:
            buried = self.spool.bury("news", deaths)
            self.assertEqual(await self.spool.dead("news", b"", 1), [])
            self.assertFalse(buried.called)
            self.spool.settle(1, [outcome(of, 0, 1)])
            self.spool.delivered([1], [1])
            await buried
            await self.restart()
        self.assertEqual(len(await self.spool.dead("news", b"", 999)), 250)
        self.assertEqual([event["trouble"] for event in events if "trouble" in event],
                         ["database or disk is full", "written again"])  # fmt: skip
