import errno
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import DeadToken
from pushgate.model.outcome_record import ndjson
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IOutcomeSinkFactory
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import jsonl as factory
from pushgate.sinks.common.append_file import AppendFile
from pushgate.sinks.jsonl import JSONLTable
from pushgate.testing import outcome
from tests.samples import token


class JSONLSinkTests(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory()), "outcomes.jsonl")

    def sink(self, **options: object) -> IOutcomeSink:
        config = JSONLTable.model_validate({"type": "jsonl", "path": str(self.path), **options})
        context = Context(reactor=reactor, wall=lambda: 0.0, jitter=lambda: 0.0, metrics=Metrics())
        return factory.sink("outcomes", config, None, context)

    def started(self, **options: object) -> IOutcomeSink:
        sink = self.sink(**options)
        sink.start()
        return sink

    def faults(self) -> list[str]:
        return self.assertRaises(CannotStart, self.sink().start).faults

    def hold_writes(self) -> threading.Event:
        """Let writing block until the returned event is set, at the end of the test at the latest."""
        gate, write = threading.Event(), AppendFile.write
        self.addCleanup(gate.set)
        self.patch(AppendFile, "write", lambda file, lines: gate.wait(30) and write(file, lines))
        return gate

    async def test_interfaces(self) -> None:
        """Factory and sink provide what the registry and the gateway call."""
        self.assertTrue(verifyObject(IOutcomeSinkFactory, factory))
        self.assertTrue(verifyObject(IOutcomeSink, self.sink()))

    async def test_one_record_a_line(self) -> None:
        """Each notification, and each dead token, is one JSON line in the order of its report."""
        sink = self.started()
        reports = [
            outcome(tokens=[token(index) for index in range(500)]),
            DeadToken("news", token(1), 1, 2.0, "apns-stream"),
        ]
        await sink.emit(reports)
        await sink.stop()
        written = self.path.read_bytes()
        self.assertEqual(written, ndjson(reports))
        records = [msgspec.json.decode(line) for line in written.splitlines()]
        self.assertEqual([record["token"] for record in records[:500]], [token(i).hex() for i in range(500)])
        self.assertEqual(records[500]["state"], "dead-token")

    async def test_tokens_option(self) -> None:
        """`tokens` says how the file names devices."""
        sink = self.started(tokens="none")
        await sink.emit([outcome()])
        await sink.stop()
        self.assertIsNone(msgspec.json.decode(self.path.read_bytes())["token"])

    async def test_reactor_goes_on_while_the_disk_is_slow(self) -> None:
        """Writing blocks a thread of the sink's own, not the reactor."""
        gate = self.hold_writes()
        sink = self.started()
        emitted = sink.emit([outcome()])
        turn: Deferred[None] = Deferred()
        reactor.callLater(0, turn.callback, None)
        await turn
        self.assertFalse(emitted.called)
        gate.set()
        await emitted
        await sink.stop()

    async def test_stop_waits_for_what_is_being_written(self) -> None:
        """Even an emit that was given up is whole in the file before it is closed."""
        gate = self.hold_writes()
        sink = self.started()
        emitted = sink.emit([outcome()])
        emitted.cancel()
        await self.assertFailure(emitted, CancelledError)
        stopped = sink.stop()
        gate.set()
        await stopped
        self.assertEqual(self.path.read_bytes(), ndjson([outcome()]))

    async def test_stop_ends_the_thread(self) -> None:
        """Nothing of the sink is left after the stop."""
        sink = self.started()
        await sink.stop()
        self.assertEqual([thread.name for thread in threading.enumerate() if "outcomes" in thread.name], [])

    async def test_rotation_loses_and_doubles_nothing(self) -> None:
        """Moved away and reopened while a write is under way, every line is in one of the two files, once."""
        gate = self.hold_writes()
        sink = self.started()
        first, second = [outcome(order=1)], [outcome(order=2)]
        emitted = sink.emit(first)
        moved = self.path.rename(self.path.with_suffix(".1"))
        sink.reopen()
        gate.set()
        await emitted
        await sink.emit(second)
        await sink.stop()
        self.assertEqual((moved.read_bytes(), self.path.read_bytes()), (ndjson(first), ndjson(second)))

    async def test_many_rotations(self) -> None:
        """However often it is rotated, all lines are there, in order."""
        sink = self.started()
        parts, expected = [], b""
        for order in range(20):
            reports = [outcome(order=order)]
            expected += ndjson(reports)
            emitted = sink.emit(reports)
            parts.append(await deferToThread(self.path.rename, self.path.with_suffix(f".{order}")))
            sink.reopen()
            await emitted
        await sink.stop()
        self.assertEqual(b"".join(part.read_bytes() for part in parts), expected)

    async def test_failed_reopen_goes_on_with_the_old_file(self) -> None:
        """When the new file cannot be opened, that is an error, and no line is lost."""
        sink = self.started()
        moved = self.path.rename(self.path.with_suffix(".1"))
        self.path.mkdir()
        self.assertRaises(OSError, sink.reopen)
        await sink.emit([outcome()])
        await sink.stop()
        self.assertEqual(moved.read_bytes(), ndjson([outcome()]))

    async def test_full_disk_fails_one_emit(self) -> None:
        """A full disk fails the emit under way; the next one tries again."""
        sink, write = self.started(), os.write

        def full(descriptor: int, data: bytes) -> int:
            if os.fstat(descriptor).st_ino == self.path.stat().st_ino:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, data)  # the reactor's own pipe

        patched = self.patch(os, "write", full)
        error = await self.assertFailure(sink.emit([outcome(order=1)]), OSError)
        self.assertEqual(error.errno, errno.ENOSPC)
        patched.restore()
        await sink.emit([outcome(order=2)])
        await sink.stop()
        self.assertEqual(self.path.read_bytes(), ndjson([outcome(order=2)]))

    async def test_relative_path(self) -> None:
        """A relative path is meant from where the program was started, wherever it goes as a daemon."""
        self.addCleanup(os.chdir, Path.cwd())
        directory, self.path = self.path.parent, Path("relative.jsonl")
        os.chdir(directory)
        sink = self.sink()
        os.chdir("/")
        sink.start()
        await sink.stop()
        self.assertTrue((directory / "relative.jsonl").exists())

    def test_missing_directory(self) -> None:
        """A directory that is not there is one line at start, naming key, file, reason and rule."""
        self.path = self.path / "missing" / "outcomes.jsonl"
        (fault,) = self.faults()
        self.assertEqual(
            fault,
            f"sinks.outcomes.path: {self.path}: No such file or directory; "
            "a file that can be written, in a directory that exists",
        )

    def test_not_writable(self) -> None:
        """So is a path that cannot be written; a directory stands for it, as root may write anywhere."""
        self.path.mkdir()
        (fault,) = self.faults()
        self.assertIn(f"{self.path}: Is a directory", fault)

    def test_failed_start_leaves_no_thread(self) -> None:
        """A sink that could not start has nothing to stop."""
        self.path.mkdir()
        self.faults()
        self.assertEqual([thread.name for thread in threading.enumerate() if "outcomes" in thread.name], [])
