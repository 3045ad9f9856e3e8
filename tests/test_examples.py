"""The plug-ins in ``plugins``: single files as in docs/plugins.md."""

import ast
import json
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.model.errors import CannotStart, Overloaded
from pushgate.model.history import Event
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Priority, Submission, Terms
from pushgate.model.outcome import DeadToken, Outcome, State
from pushgate.model.packed import Packed
from pushgate.plugin.config_errors import validated
from pushgate.plugin.context import Context
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugin.upstream_interface import IUpstream
from pushgate.testing import RecordingGateway, RecordingQueue, RecordingSink, outcome
from tests.plug_ins import PlugInTestCase

EXAMPLES = Path(__file__).parents[1] / "plugins"


def lines_of_code(file: Path) -> int:
    """The lines of a module without its imports, docstrings, comments and blank lines."""
    source = file.read_text()
    aside: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            aside.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for number, line in lines if number not in aside and line.strip() and line.strip()[0] != "#")


class ExampleTestCase(PlugInTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = self.found(EXAMPLES)
        self.clock, self.gateway = Clock(), RecordingGateway()
        self.context = Context(
            reactor=self.clock, wall=self.clock.seconds, jitter=lambda: 0.0, metrics=Metrics()
        )

    def test_nothing_is_wrong_with_them(self) -> None:
        """The examples can be used as they are."""
        self.assertEqual(self.registry.broken, [])


class CountSinkTests(ExampleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.directory() / "counts.txt"

    def sink(self, path: Path) -> IOutcomeSink:
        factory = self.registry.found["sink"]["count"].factory
        table = factory.config.model_validate({"type": "count", "path": str(path)})
        return factory.sink("counts", table, self.gateway, self.context)

    def test_interface(self) -> None:
        """The sink is one."""
        verifyObject(IOutcomeSink, self.sink(self.path))

    def test_it_counts(self) -> None:
        """The file has a line for each state with how many notifications ended in it."""
        sink = self.sink(self.path)
        sink.start()
        sink.emit([outcome(State.ACCEPTED, tokens=[b"a", b"b"]), outcome(State.REJECTED)])
        sink.emit([DeadToken("news", b"a", 1, 2.0, "apns-stream"), outcome(State.ACCEPTED)])
        sink.reopen()
        sink.stop()
        self.assertEqual(self.path.read_text(), "accepted 3\nrejected 1\n")

    def test_size(self) -> None:
        """It is as short as docs/plugins.md says."""
        self.assertEqual(lines_of_code(EXAMPLES / "example_sink.py"), 16)

    def test_a_file_that_cannot_be_written(self) -> None:
        """A file that cannot be written stops the start, with one line."""
        path = self.path / "no" / "such"
        error = self.assertRaises(CannotStart, self.sink(path).start)
        self.assertEqual(error.faults, [f"{path}: No such file or directory"])


class FolderInputTests(ExampleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.directory()

    def input(self, path: Path | None = None) -> IInput:
        factory = self.registry.found["input"]["folder"].factory
        table = factory.config.model_validate({"type": "folder", "path": str(path or self.path)})
        return factory.input("drop", table, self.gateway, self.context)

    def started(self) -> IInput:
        folder = self.input()
        self.successResultOf(folder.start())
        return folder

    def drop(self, name: str = "a.json", token: str = "0a1b2c", app: str = "news") -> Path:
        file = self.path / name
        file.write_text(json.dumps({"app": app, "token": token, "payload": {"aps": {"alert": "é"}}}))
        return file

    def names(self) -> list[str]:
        return sorted(file.name for file in self.path.iterdir())

    def test_interface(self) -> None:
        """The input is one, and says which folder it looks into."""
        folder = self.input()
        verifyObject(IInput, folder)
        self.assertEqual(folder.addresses(), [f"folder {self.path}"])

    def test_a_file_is_submitted(self) -> None:
        """A file becomes a notification, in the caller's bytes, and is deleted."""
        self.started()
        file = self.drop()
        key = f"a.json {file.stat().st_mtime_ns}"
        self.clock.advance(1)
        [submission] = self.gateway.submissions
        self.assertEqual((self.gateway.inputs, submission.app, submission.key), (["drop"], "news", key))
        self.assertEqual(list(submission.tokens), [b"\x0a\x1b\x2c"])
        self.assertEqual(json.loads(submission.payload), {"aps": {"alert": "é"}})
        self.assertEqual(self.names(), [])

    def test_a_file_stays_until_it_is_safe(self) -> None:
        """A file is deleted when the gateway has accepted it, and stopping waits for that."""
        self.gateway.holding = True
        folder = self.started()
        self.drop()
        self.clock.advance(1)
        stopped = folder.stop()
        self.assertNoResult(stopped)
        self.assertEqual(self.names(), ["a.json"])
        self.gateway.release()
        self.successResultOf(stopped)
        self.assertEqual(self.names(), [])

    def met_by(self, error: Exception) -> None:
        self.gateway.error = error
        self.started()
        self.drop()
        self.clock.advance(1)

    def test_an_overload_is_waited_out(self) -> None:
        """A file the gateway has no room for stays, and is taken later."""
        self.met_by(Overloaded("app news", 9, 9))
        self.assertEqual(self.names(), ["a.json"])
        self.gateway.error = None
        self.clock.advance(1)
        self.assertEqual(self.names(), [])

    def test_a_bad_file_is_put_aside(self) -> None:
        """A file that makes no notification is renamed, logged, and does not hold up the next."""
        self.drop("a.json", token="xyz")
        (self.path / "b.json").write_text("not JSON")
        self.drop("c.json")
        with capturedLogs() as events:
            self.started()
        self.assertEqual(self.names(), ["a.refused", "b.refused"])
        self.assertEqual(len(self.gateway.submissions), 1)
        self.assertEqual(len([event for event in events if "refused" in event["log_format"]]), 2)

    def test_an_unforeseen_error_does_not_end_it(self) -> None:
        """Whatever goes wrong is logged, and the next turn tries again."""
        self.met_by(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.gateway.error = None
        self.clock.advance(1)
        self.assertEqual(self.names(), [])

    def test_stopped(self) -> None:
        """Stopped, it takes nothing and leaves no timer; to stop before the start is harmless."""
        folder = self.started()
        self.successResultOf(folder.stop())
        self.drop()
        self.clock.advance(5)
        self.assertEqual((self.gateway.submissions, self.clock.getDelayedCalls()), ([], []))
        self.successResultOf(self.input().stop())

    def test_a_folder_that_is_not_there(self) -> None:
        """A missing folder is a fault of the configuration, with one line."""
        table = {"type": "folder", "path": str(self.path / "no")}
        config = self.registry.found["input"]["folder"].factory.config
        error = self.assertRaises(CannotStart, validated, config, table, "my.toml", ("inputs", "drop"))
        [fault] = error.faults
        self.assertTrue(fault.startswith("my.toml: inputs.drop.path: a string of length "), fault)
        self.assertTrue(fault.endswith("; Path does not point to a directory"), fault)

    def test_size(self) -> None:
        """It is as short as docs/plugins.md says."""
        self.assertEqual(lines_of_code(EXAMPLES / "example_input.py"), 40)


class DryRunTests(ExampleTestCase):
    def upstream(self, **app: object) -> tuple[Gateway, RecordingSink]:
        """A started gateway with one app on the upstream, and a sink that gets everything."""
        factory = self.registry.found["upstream"]["dry-run"].factory
        table = factory.config.model_validate({"upstream": "dry-run", **app})
        gateway = Gateway(self.context, MemorySpool(self.clock), Limits(), lambda: 0)
        gateway.add_app("news", table, factory)
        sink = RecordingSink()
        gateway.attach("sink", sink, 1000)
        gateway.start()
        return gateway, sink

    def push(self, gateway: Gateway, count: int) -> None:
        tokens = Packed.of([bytes([number % 256]) for number in range(count)], 1)
        self.successResultOf(gateway.submit(Submission(app="news", tokens=tokens, payload=b"{}"), "test"))

    def accepted(self, sink: RecordingSink) -> int:
        reports = [report for report in sink.reports if isinstance(report, Outcome)]
        self.assertEqual({report.state for report in reports} - {State.ACCEPTED}, set())
        self.assertEqual({report.span.attempts for report in reports} - {1}, set())
        return sum(len(report.span) for report in reports)

    def test_interface(self) -> None:
        """The upstream is one."""
        factory = self.registry.found["upstream"]["dry-run"].factory
        table = factory.config.model_validate({"upstream": "dry-run"})
        verifyObject(IUpstream, factory.upstream("news", table, RecordingQueue(), self.context))

    def test_its_targets(self) -> None:
        """A table that says nothing of them has targets in hex, as programs that push to devices send them."""
        rules = self.registry.found["upstream"]["dry-run"].factory.rules
        self.assertEqual(rules.parse_target("00ff"), b"\0\xff")

    def test_it_accepts_everything(self) -> None:
        """Each notification is accepted once, after the latency."""
        gateway, sink = self.upstream(latency="2s")
        self.push(gateway, 1000)
        self.clock.advance(1)
        self.assertEqual(self.accepted(sink), 0)
        self.clock.pump([2] * 6)
        self.assertEqual(self.accepted(sink), 1000)

    def test_it_writes_what_it_would_send(self) -> None:
        """The file has a line for each notification, with its terms; the outcome has the step for `Trace`."""
        file = self.directory() / "sent.jsonl"
        gateway, sink = self.upstream(path=str(file), topic="com.example.news")
        terms = Terms(expiration=9, priority=Priority.BULK, collapse_id="x", push_type="alert")
        tokens = Packed.of([b"a", b"b"], 1)
        gateway.submit(Submission(app="news", tokens=tokens, payload=b'{"n":1}', terms=terms), "test")
        self.clock.pump([1] * 4)
        shared = ["com.example.news", 9, 5, "x", "alert", {"n": 1}]
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        self.assertEqual(lines, [["61", *shared], ["62", *shared]])
        [outcome] = sink.reports
        [step] = outcome.span.past
        self.assertEqual((step.event, step.connection), (Event.WRITTEN, 1))

    def test_it_keeps_the_pace(self) -> None:
        """The app's rate holds, and waiting for it costs no turns of the reactor."""
        gateway, sink = self.upstream(rate=10.0)
        self.push(gateway, 100)
        self.clock.pump([0.1] * 50)
        self.assertTrue(40 <= self.accepted(sink) <= 52, self.accepted(sink))
        self.assertLess(len(self.clock.getDelayedCalls()), 5)

    def test_size(self) -> None:
        """It is as short as docs/plugins.md says."""
        self.assertEqual(lines_of_code(EXAMPLES / "example_upstream.py"), 39)

    def test_stopped(self) -> None:
        """Stopping sends what waits first, and leaves no timer."""
        gateway, sink = self.upstream(latency="1s")
        self.push(gateway, 300)
        gateway.refuse()
        drained = gateway.drain()
        self.clock.pump([1] * 5)
        self.successResultOf(drained)
        self.assertEqual(self.accepted(sink), 300)
        self.successResultOf(Deferred.fromCoroutine(gateway.close()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
