"""An outsider's plug-in that raises, wherever it does: it is named, and nothing else suffers."""

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from pushgate.model.errors import CannotStart
from pushgate.model.log_throttle import LOG_INTERVAL
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Submission
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from pushgate.plugin.factories import InputFactory, SinkFactory, UpstreamFactory
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.settings import AppTable, InputTable, SinkTable
from pushgate.service.assembly import Assembly
from pushgate.testing import RecordingSink, RecordingUpstream
from tests.process import ProcessTestCase
from tests.service.test_lifecycle import LifecycleCase


class Boom(Exception):  # noqa: N818 - it is none that anybody handles
    """What is raised."""


def boom(*_: object) -> None:
    raise Boom("no wings")


class FactoryTests(LifecycleCase):
    def setUp(self) -> None:
        super().setUp()
        self.context = Context(
            reactor=self.clock, wall=self.clock.seconds, jitter=lambda: 0.0, metrics=Metrics()
        )
        self.building = Assembly(self.gateway, self.context)

    def faults(self) -> list[str]:
        return self.assertRaises(CannotStart, self.building.check).faults

    def app(self, factory: IUpstreamFactory) -> None:
        self.building.do(self.gateway.add_app, "other", AppTable(upstream="pigeon"), factory)

    def test_raising(self) -> None:
        """A factory that raises is a fault with the table's key and the plug-in's name, beside the others'."""
        sink = SinkFactory("pigeon", "", SinkTable, boom)
        factory = InputFactory("pigeon", "", InputTable, boom)
        self.building.sinks({"a": (sink, SinkTable(type="pigeon"))})
        self.building.inputs({"b": (factory, InputTable(type="pigeon"))})
        self.app(UpstreamFactory("pigeon", "", AppTable, boom))
        self.assertEqual(
            self.faults(),
            [
                'sinks.a: sink "pigeon" raised Boom: no wings',
                'inputs.b: input "pigeon" raised Boom: no wings',
                'apps.other: upstream "pigeon" raised Boom: no wings',
            ],
        )
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 3)

    def test_exiting(self) -> None:
        """One that would end the process is reported as well."""

        def leave(*_: object) -> None:
            raise SystemExit(3)

        self.app(UpstreamFactory("pigeon", "", AppTable, leave))
        self.assertEqual(self.faults(), ['apps.other: upstream "pigeon" raised SystemExit: 3'])
        self.assertEqual(len(self.flushLoggedErrors(SystemExit)), 1)

    def test_something_else(self) -> None:
        """One that makes something else than it must has what is missing named."""
        sink = SinkFactory("pigeon", "", SinkTable, lambda *_: None)
        factory = InputFactory("pigeon", "", InputTable, lambda *_: RecordingSink())
        self.building.sinks({"a": (sink, SinkTable(type="pigeon"))})
        self.building.inputs({"b": (factory, InputTable(type="pigeon"))})
        self.app(UpstreamFactory("pigeon", "", AppTable, lambda *_: None))
        faults = self.faults()
        for fault, what, interface in zip(
            faults,
            ('sinks.a: sink "pigeon"', 'inputs.b: input "pigeon"', 'apps.other: upstream "pigeon"'),
            ("IOutcomeSink", "IInput", "IUpstream"),
            strict=True,
        ):
            self.assertTrue(fault.startswith(f"{what} made something else: "), fault)
            self.assertIn(f"_interface.{interface}", fault)
            self.assertNotIn("\n", fault)


class StartTests(LifecycleCase):
    def refused(self) -> list[str]:
        """Why the gateway does not start; the traceback is in the log, once."""
        failure = self.failureResultOf(self.lifecycle.start(), CannotStart)
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        return failure.value.faults

    def test_a_sink(self) -> None:
        """A sink whose start raises stops the start, with one line that names it."""
        self.sink.error = Boom("no wings")
        self.assertEqual(self.refused(), ["sinks.sink: its start raised Boom: no wings"])
        self.assertEqual(self.history, ["sink start"])

    def test_an_upstream(self) -> None:
        """So does an upstream."""
        self.upstream.start = boom
        self.assertEqual(self.refused(), ["apps.news: the start of its upstream raised Boom: no wings"])

    def test_an_input(self) -> None:
        """So does an input."""
        self.first.start = boom
        self.assertEqual(self.refused(), ["inputs.first: its start raised Boom: no wings"])

    def test_an_input_that_fails_later(self) -> None:
        """A start that fails when it was waited for is reported like one that raises; the others have their lines too."""
        started: Deferred[None] = Deferred()
        self.first.start = lambda: started
        starting = self.lifecycle.start()
        started.errback(Boom("no wings"))
        failure = self.failureResultOf(starting, CannotStart)
        self.assertEqual(failure.value.faults, ["inputs.first: its start raised Boom: no wings"])
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        self.assertIn("second start", self.history)

    def test_an_input_that_does_not_wait(self) -> None:
        """An input whose start returns nothing is started."""
        self.first.start = lambda: None
        self.successResultOf(self.lifecycle.start())
        self.assertIn("second start", self.history)

    def test_addresses(self) -> None:
        """An input that cannot say where it listens is no reason not to be ready; the others say so."""
        self.first.addresses = boom
        with self.said() as lines:
            self.successResultOf(self.lifecycle.start())
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        self.assertIn("input second  tcp 127.0.0.1:7215", lines[-1])
        self.assertIn("critical: input first: its addresses", lines)


class RunningTests(LifecycleCase):
    def setUp(self) -> None:
        super().setUp()
        self.successResultOf(self.lifecycle.start())
        self.metrics = self.gateway._context.metrics

    def errors(self) -> int:
        return self.metrics.counts["pushgate_upstream_errors_total"].get(("news",), 0)

    def test_wake(self) -> None:
        """An upstream whose `wake` raises is reported once in a while and counted; what was submitted is taken."""
        self.upstream.wake = boom
        with capturedLogs() as events:
            for _ in range(3):
                self.successResultOf(self.submit())
            self.clock.advance(LOG_INTERVAL)
            self.successResultOf(self.submit())
        self.assertEqual(self.errors(), 4)
        self.assertEqual(
            [formatEvent(event) for event in events if event["log_level"] is LogLevel.critical],
            [
                f"app news: wake of its upstream raised; failures since the last such line: {count}"
                for count in (1, 3)
            ],
        )
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 2)
        self.assertEqual(self.gateway.stats()["apps"]["news"]["queue"], 4)

    def test_requeue(self) -> None:
        """A `wake` that raises does not reach whoever gives something back."""
        self.successResultOf(self.submit())
        self.upstream.take()
        self.upstream.wake = boom
        self.upstream.requeue()
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        self.assertEqual(self.gateway.stats()["apps"]["news"]["queue"], 1)

    def test_state(self) -> None:
        """An upstream that cannot say how it is doing does not keep the others from it."""
        for state in (boom, lambda: None):
            self.upstream.state = state
            stats = self.gateway.stats()["apps"]["news"]
            self.assertEqual((stats["connections"], stats["window"]), ({}, 0))
        self.assertEqual(self.errors(), 2)
        self.assertEqual(len(self.flushLoggedErrors(Boom, TypeError)), 1)

    def test_emit(self) -> None:
        """A sink whose `emit` raises misses those reports; another sink gets them."""
        other = RecordingSink()
        self.gateway.attach("other", other, 100)
        self.sink.error = Boom("no wings")
        self.successResultOf(self.submit())
        self.upstream.take()
        self.upstream.settle(State.ACCEPTED)
        self.turn()
        self.assertEqual(len(other.reports), 1)
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        self.assertEqual(self.metrics.counts["pushgate_sink_errors_total"], {("sink",): 1})

    def test_settled(self) -> None:
        """An input that raises when it is given outcomes does not reach the sinks, nor the upstream."""
        submission = Submission(app="news", tokens=Packed.of([b"a"], 1), payload=b"{}")
        answer = self.gateway.submit(submission, "first", boom)
        self.spool.release()
        self.successResultOf(answer)
        self.upstream.take()
        self.upstream.settle(State.ACCEPTED)
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        self.assertEqual(len(self.sink.reports), 1)


class StopTests(LifecycleCase):
    def setUp(self) -> None:
        super().setUp()
        self.successResultOf(self.lifecycle.start())

    def stopped(self) -> list[str]:
        """What is said while it stops, which it does, whatever raises."""
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.turn()
            self.successResultOf(stopped)
        self.assertTrue(self.spool.closed)
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        self.assertIn(lines[-1].partition(";")[0], "info: pushgate has stopped")
        return [line for line in lines if line.startswith("critical")]

    def test_a_sink(self) -> None:
        """A sink whose `stop` raises is named; everything else closes."""
        self.sink.stop = boom
        [line] = self.stopped()
        self.assertIn("sink sink: stop failed", line)
        self.assertEqual(self.history[-2:], ["first stop", "second stop"])

    def test_an_upstream(self) -> None:
        """An upstream whose `stop` raises is named, and made to close at once."""
        self.upstream.stop = boom
        self.assertEqual(self.stopped(), ["critical: stopping the upstream of news"])
        self.assertIn("upstream abort", self.history)

    def test_an_upstream_that_does_not_wait(self) -> None:
        """An upstream whose `stop` returns nothing has stopped."""
        self.upstream.stop = lambda: None
        stopped = self.lifecycle.stop()
        self.turn()
        self.successResultOf(stopped)

    def test_abort(self) -> None:
        """So is one whose `abort` raises."""
        self.upstream.abort = boom
        [line] = self.stopped()
        self.assertIn("app news: abort of its upstream raised", line)

    def test_an_input(self) -> None:
        """An input whose `stop` raises is named, and the next one closes."""
        self.first.stop = boom
        self.assertEqual(self.stopped(), ["critical: stopping, input first"])
        self.assertEqual(self.history[-1], "second stop")

    def test_an_input_that_paused(self) -> None:
        """An input that raises when it hears that there is room does not keep the gateway from stopping."""
        capacity = self.gateway._apps.configured("news").queue.capacity
        capacity._watermarks.on = True
        self.assertIsNotNone(self.gateway.pressed("news", boom))
        self.assertEqual(self.stopped(), ["critical: telling an input that the queue of news has room"])


class ReplacedTests(LifecycleCase):
    def test_a_candidate(self) -> None:
        """An upstream that a reload would put in place, and whose start raises, is reported and changes nothing."""
        self.successResultOf(self.lifecycle.start())

        class Bad(RecordingUpstream):
            def start(self) -> None:
                boom()

        factory = UpstreamFactory("pigeon", "", AppTable, lambda app, table, work, context: Bad(work))
        candidate = self.gateway.candidate("news", AppTable(upstream="pigeon"), factory)
        error = self.assertRaises(CannotStart, candidate.start)
        self.assertEqual(error.faults, ["apps.news: the start of its upstream raised Boom: no wings"])
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        candidate.discard()
        self.assertIs(self.gateway.upstreams()["news"], self.upstream)


RAISING = """
from pushgate.plugin.factories import Sink, SinkFactory
from pushgate.plugin.settings import SinkTable

class Raising(Sink):
    def __init__(self, name, config, gateway, context): ...
    def start(self):
        raise KeyError("wings")

raising = SinkFactory("raising", "", SinkTable, Raising)
"""


class ProcessTests(ProcessTestCase):
    async def test_start(self) -> None:
        """The process ends with one line that names the plug-in; the log has the traceback."""
        (self.directory / "raising.py").write_text(RAISING)
        config = self.config(
            '[gateway]\nstate_dir = "memory"\n[apps.demo]\nupstream = "simulator"\n[sinks.post]\ntype = "raising"\n'
        )
        process = self.twistd("pushgate", "--plugins", str(self.directory), "--config", config)
        self.assertEqual(await process.ended(), 1)
        self.assertEqual(
            process.err, "pushgate: cannot start: sinks.post: its start raised KeyError: 'wings'\n"
        )
        self.assertIn('raising.py", line 8, in start', process.out)
