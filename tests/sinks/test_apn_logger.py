"""The sink `apn_logger`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import DeadToken, State
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IOutcomeSinkFactory
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import apn_logger as factory
from pushgate.testing import outcome, table


class ApnLoggerTests(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory()), "apnlog.ec")

    def started(self, **options: object) -> IOutcomeSink:
        """A sink that writes, on real threads and a real clock."""
        config = table(factory, path=str(self.path), **options)
        context = Context(reactor=reactor, wall=lambda: 1234.5, jitter=lambda: 0.0, metrics=Metrics())
        sink = factory.sink("apnlog", config, None, context)
        sink.start()
        return sink

    def kinds(self) -> str:
        """The kinds of the lines in the file."""
        return "".join(line.split("@")[1] for line in self.path.read_text().splitlines())

    async def test_interfaces(self) -> None:
        """Factory and sink provide what the registry and the gateway call."""
        sink = self.started()
        verifyObject(IOutcomeSinkFactory, factory)
        verifyObject(IOutcomeSink, sink)
        self.assertEqual(sink.addresses(), [str(self.path)])
        await sink.stop()

    async def test_lines(self) -> None:
        """A line for each notification, in order; dead tokens have none."""
        sink = self.started(tokens="none")
        dead = DeadToken("news", b"\1", 1, 2.0, "apns-stream")
        await sink.emit([outcome(tokens=[b"a", b"b"]), dead, outcome(State.REJECTED)])
        await sink.stop()
        self.assertEqual(self.kinds(), "DDP")
        self.assertNotIn("61", self.path.read_text().split("@")[4])

    async def test_left_out(self) -> None:
        """Kinds of entries can be left out."""
        sink = self.started(log_delivery=False, log_tempfail=False)
        await sink.emit([outcome(), outcome(State.REJECTED)])
        await sink.stop()
        self.assertEqual(self.kinds(), "P")

    async def test_formats(self) -> None:
        """Formats are configurable; an unknown macro stops the start."""
        sink = self.started(delivery_format="%d|%e|%S")
        await sink.emit([outcome()])
        await sink.stop()
        self.assertEqual(self.path.read_text(), "news||0\n")
        error = self.assertRaises(CannotStart, self.started, permfail_format="%x")
        self.assertIn("permfail_format: a string of length 2; must have no % but in %t, %i,", error.faults[0])

    async def test_heartbeat(self) -> None:
        """Heartbeat lines are written until the stop."""
        sink = self.started(heartbeat="10ms")
        while self.path.read_text().count("\n") < 3:
            await deferLater(reactor, 0.005, lambda: None)  # type: ignore[arg-type] # it is a reactor
        await sink.stop()
        self.assertEqual(set(self.path.read_text().splitlines()), {"1234@M"})

    async def test_no_heartbeat(self) -> None:
        """With 0 there are no heartbeats."""
        sink = self.started(heartbeat="0s")
        await sink.stop()
        self.assertEqual(self.path.read_text(), "")

    async def test_a_heartbeat_that_cannot_be_written(self) -> None:
        """The failure is logged; outcomes are written once there is room again."""
        sink = self.started(heartbeat="1ms")
        write = sink._file.write
        self.patch(sink._file, "write", lambda lines: (_ for _ in ()).throw(OSError(28, "full")))
        while not (logged := self.flushLoggedErrors(OSError)):
            await deferLater(reactor, 0.005, lambda: None)  # type: ignore[arg-type] # it is a reactor
        self.assertTrue(logged)
        self.patch(sink._file, "write", write)
        await sink.emit([outcome()])
        await sink.stop()
        self.flushLoggedErrors(OSError)
        self.assertIn("D", self.kinds())

    async def test_rotation(self) -> None:
        """After a rename and `reopen`, each line is in one of the two files."""
        sink = self.started()
        await sink.emit([outcome()])
        moved = self.path.rename(self.path.with_suffix(".1"))
        sink.reopen()
        await sink.emit([outcome(State.REJECTED)])
        await sink.stop()
        self.assertEqual((moved.read_text().count("@D@"), self.path.read_text().count("@P@")), (1, 1))
