"""The ledger sink: what it is given can be asked for, for as long as it is to be kept."""

import json
import sqlite3
import threading
from typing import Any

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import CannotStart, SinkDown
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import DeadToken, Outcome, State
from pushgate.model.outcome_record import Tokens, hash_token, lines, record
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IOutcomeSinkFactory
from pushgate.plugin.sink_interface import IHistory, IOutcomeSink
from pushgate.plugins.builtin import ledger as factory
from pushgate.sinks.ledger import sink
from pushgate.sinks.ledger.sink import FILE, LedgerTable
from pushgate.sinks.ledger.store import CHUNK, DAY
from tests.ledger_rig import STEPS, WALL, LedgerCase, reported
from tests.samples import ID, batch, broadcast, token


class RememberingTests(LedgerCase):
    async def test_interfaces(self) -> None:
        """Factory and sink provide what the registry and the gateway call."""
        self.assertTrue(verifyObject(IOutcomeSinkFactory, factory))
        self.assertTrue(verifyObject(IOutcomeSink, self.made()))
        self.assertTrue(verifyObject(IHistory, self.made()))

    async def test_what_was_told_is_remembered(self) -> None:
        """Of each member: its record to the letter, how often it was written, where, and through which input."""
        ledger = self.started()
        whole = reported()
        await ledger.emit([whole])
        for index in range(3):
            [outcome] = await ledger.outcomes(ID + index)
            part = replace(whole, span=whole.span.part(index, index + 1))
            self.assertEqual(record(outcome), record(part))
            self.assertEqual(outcome.span.past, STEPS)
            of = outcome.span.batch
            self.assertEqual((of.origin, of.accepted_at), ("amp", whole.span.batch.accepted_at))
        self.assertEqual(
            [await self.states(ledger, number) for number in (ID + 3, ID - 1, 7, ID + 99)], [[]] * 4
        )
        await ledger.stop()

    async def test_over_a_restart(self) -> None:
        """What one process was given the next one knows."""
        ledger = self.started()
        await ledger.emit([reported(), reported(3, 5, State.EXPIRED)])
        await ledger.stop()
        ledger = self.started()
        self.assertEqual(await self.states(ledger), [State.ACCEPTED])
        self.assertEqual(await self.states(ledger, ID + 4), [State.EXPIRED])
        await ledger.stop()

    async def test_a_run_is_one_row(self) -> None:
        """However many notifications ended together, they cost one row; so does a dead token of feedback."""
        ledger = self.started()
        dead = DeadToken("news", token(1), 1, WALL, "apns-stream")
        await ledger.emit([reported(), reported(3, 5, State.EXPIRED), dead])
        await ledger.stop()
        self.assertEqual(self.rows(), 3)

    async def test_corrections(self) -> None:
        """They come after what they correct, for the members they are about."""
        ledger = self.started()
        await ledger.emit([reported(state=State.PRESUMED)])
        await ledger.emit([reported(1, 2, State.REJECTED, recalled=True)])
        self.assertEqual(await self.states(ledger, ID + 1), [State.PRESUMED, State.REJECTED])
        self.assertTrue((await ledger.outcomes(ID + 1))[-1].span.recalled)
        self.assertEqual(await self.states(ledger, ID + 2), [State.PRESUMED])
        await ledger.stop()

    async def test_told_twice(self) -> None:
        """What was reported again after a crash, perhaps in other runs, is remembered once."""
        ledger = self.started()
        await ledger.emit([reported()])
        await ledger.emit([reported(0, 2), reported(2, 3)])
        self.assertEqual(await self.states(ledger, ID + 1), [State.ACCEPTED])
        await ledger.stop()

    async def test_tokens(self) -> None:
        """`tokens` says what is kept of the device tokens, of one length or of many."""
        tokens = [b"\x01" * 32, b"\x02" * 5]
        of = replace(batch(2), tokens=Packed.of(tokens, 2))
        outcome = Outcome(BatchSlice(of, 0, 2), State.ACCEPTED, None, "", WALL, "")
        wanted: dict[str, Any] = {
            "full": tokens,
            "hash": [bytes.fromhex(hash_token(each)) for each in tokens],
            "none": [b"", b""],
        }
        self.assertEqual(set(wanted), set(Tokens))
        for how, kept in wanted.items():
            self.directory = self.directory / how
            self.directory.mkdir()
            ledger = self.started(tokens=how)
            await ledger.emit([outcome])
            found = [(await ledger.outcomes(ID + index))[0].span.tokens() for index in range(2)]
            self.assertEqual(found, [[each] for each in kept])
            await ledger.stop()

    async def test_a_new_target(self) -> None:
        """It is kept in the form in which tokens are, over a restart; not at all where they are not."""
        whole = replace(reported(0, 1, State.REPLACED), replacement=b"\xab")
        for how, shown in (("full", "ab"), ("hash", hash_token(b"\xab")), ("none", None)):
            self.directory = self.directory / how
            self.directory.mkdir()
            ledger = self.started(tokens=how)
            await ledger.emit([whole])
            await ledger.stop()
            ledger = self.started(tokens=how)
            [found] = await ledger.outcomes(ID)
            self.assertEqual(json.loads(record(found)).get("replacement"), shown)
            self.assertIs(found.state, State.REPLACED)
            await ledger.stop()

    async def test_a_channel(self) -> None:
        """A broadcast's channel is kept whatever is kept of tokens: it is no device's."""
        outcome = Outcome(broadcast(2), State.ACCEPTED, 200, "", WALL, "apns-http2")
        for how in Tokens:
            self.directory = self.directory / how
            self.directory.mkdir()
            ledger = self.started(tokens=str(how))
            await ledger.emit([outcome])
            [found] = await ledger.outcomes(ID + 1)
            self.assertEqual(record(found), lines(replace(outcome, span=outcome.span.part(1, 2)))[0])
            await ledger.stop()

    async def test_many(self) -> None:
        """More rows than go into one statement; what is asked meanwhile waits for what was reported before."""
        ledger = self.started()
        adding = ledger.emit([reported(order=order) for order in range(300)])
        self.assertEqual(await self.states(ledger, ID + (299 << 16)), [State.ACCEPTED])
        await adding
        await ledger.stop()
        self.assertEqual(self.rows(), 300)


class ForgettingTests(LedgerCase):
    async def test_age(self) -> None:
        """After `keep` it is forgotten, a little at a time, without a restart; the younger ones stay."""
        self.patch(sink, "SWEEP", 0.01)
        ledger = self.started(keep="1h")
        old = [reported(order=order, at=WALL - 3000) for order in range(CHUNK * 2 + 10)]
        await ledger.emit([*old, reported(order=9999)])
        self.wall += 700
        while await self.states(ledger, ID + (CHUNK * 2 + 9 << 16)):
            pass
        self.assertEqual(await self.states(ledger, ID + (9999 << 16)), [State.ACCEPTED])
        await ledger.stop()
        self.assertEqual(self.rows(), 1)

    async def test_at_the_start(self) -> None:
        """What became too old while the gateway was down goes when it comes up."""
        ledger = self.started(keep="1h")
        await ledger.emit([reported()])
        await ledger.stop()
        self.wall += 3601
        ledger = self.started(keep="1h")
        self.assertEqual(await self.states(ledger), [])
        await ledger.stop()

    async def test_a_wrong_clock(self) -> None:
        """What was reported by a clock of next year keeps nothing else from being forgotten."""
        ledger = self.started(keep="1h")
        await ledger.emit([reported(at=WALL + 365 * DAY), reported(order=1)])
        await ledger.stop()
        self.wall += 3601
        ledger = self.started(keep="1h")
        self.assertEqual(await self.states(ledger, ID + (1 << 16)), [])
        await ledger.stop()
        self.assertEqual(self.rows(), 0)

    async def test_memory(self) -> None:
        """A gateway that keeps nothing starts all the same, and its log says that nothing is kept."""
        config = LedgerTable.model_validate({"type": "ledger"})
        context = Context(reactor=reactor, wall=lambda: WALL, jitter=lambda: 0.0, metrics=Metrics())
        made = factory.sink("history", config, None, context)  # type: ignore[arg-type]  # it does not look
        with capturedLogs() as logs:
            made.start()
        self.assertIn("keeps nothing", logs[0]["log_format"])
        self.assertIsNone(made.emit([reported()]))
        self.assertTrue(verifyObject(IOutcomeSink, made))
        self.assertFalse(IHistory.providedBy(made))


class FaultTests(LedgerCase):
    def fault(self) -> str:
        [fault] = self.assertRaises(CannotStart, self.made().start).faults
        return str(fault)

    async def test_the_file_is_private(self) -> None:
        """It holds tokens: nobody else may read it."""
        await self.started().stop()
        self.assertEqual((self.directory / FILE).stat().st_mode & 0o777, 0o600)

    async def test_another_file(self) -> None:
        """A file of another program, of a later version, or no SQLite at all is named, and not touched."""
        file = self.directory / FILE
        await self.started().stop()
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA user_version = 9")
        connection.close()
        self.assertIn("written by a later version (format 9", self.fault())
        file.unlink()
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE other (x)")
        connection.close()
        self.assertIn("an SQLite file of another program", self.fault())
        file.write_bytes(b"not a database at all" * 100)
        self.assertIn("file is not a database; nothing was changed", self.fault())
        self.assertEqual(file.read_bytes(), b"not a database at all" * 100)

    async def test_damage(self) -> None:
        """What is damaged while it runs fails whoever asks, and is to be given again; nothing hangs."""
        ledger = self.started()
        await ledger.emit([reported(order=order) for order in range(300)])
        await ledger.stop()
        file = self.directory / FILE
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + b"\xee" * (len(whole) - 4096))
        ledger = self.started()
        await self.assertFailure(ledger.outcomes(ID), sqlite3.DatabaseError)
        await self.assertFailure(ledger.emit([reported()]), SinkDown)
        await ledger.stop()
        self.assertTrue(self.flushLoggedErrors(sqlite3.DatabaseError))

    async def test_a_new_name(self) -> None:
        """A reload that renames the table opens the file anew before the old sink lets go of it: both go on."""
        first, second = self.started(), self.started(keep="1h")
        await first.emit([reported()])
        await second.emit([reported(order=1)])
        await first.emit([reported(order=2)])
        self.assertEqual(await self.states(second), [State.ACCEPTED])
        await first.stop()
        self.assertEqual(await self.states(second, ID + (2 << 16)), [State.ACCEPTED])
        await second.stop()
        self.assertEqual(self.rows(), 3)

    async def test_no_directory(self) -> None:
        """So is a place where no file can be made."""
        self.directory = self.directory / "missing"
        self.assertEqual(
            self.fault(),
            f"sinks.history: {self.directory / FILE}: No such file or directory; "
            "nothing was changed: mend it, or move it away to start empty",
        )

    async def test_a_full_disk(self) -> None:
        """What finds no room is to be given again, and is kept once when there is some."""
        ledger = self.started()
        ledger._store._connection.execute("PRAGMA max_page_count = 4")
        many = [reported(order=order) for order in range(2000)]
        error = await self.assertFailure(ledger.emit(many), SinkDown)
        self.assertIn("full", str(error))
        ledger._store._connection.execute("PRAGMA max_page_count = 1000000")
        await ledger.emit(many)
        self.assertEqual(await self.states(ledger), [State.ACCEPTED])
        await ledger.stop()
        self.assertEqual(self.rows(), 2000)

    async def test_nothing_is_left(self) -> None:
        """After the stop there is neither thread nor timer, and asking is harmless."""
        ledger = self.started()
        await ledger.stop()
        self.assertEqual([each.name for each in threading.enumerate() if "history" in each.name], [])
        self.assertEqual(await ledger.outcomes(ID), [])
        self.assertEqual(len(list(self.directory.iterdir())), 1)
