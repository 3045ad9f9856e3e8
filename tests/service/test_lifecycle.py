"""The running whole: in which order it starts and stops, and that it stops in any case, in time."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.outcomes.sink_feeder import CLOSE_GRACE
from pushgate.model.errors import CannotStart, ShuttingDown
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Submission
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from pushgate.plugin.settings import AppTable
from pushgate.service.lifecycle import FLUSH_TIMEOUT, GRACE, HURRY, Lifecycle
from pushgate.service.parts import Parts
from pushgate.testing import (
    RecordingInput,
    RecordingSink,
    RecordingSpool,
    RecordingUpstream,
    RecordingUpstreams,
)
from tests.samples import PAYLOAD, token

DRAIN = 30.0
STOPPED = "info: pushgate has stopped; 0 notifications have no outcome; 0 were settled while it drained"


class History(list):
    """What one did, also in the list of what all did."""

    def __init__(self, name: str, everything: list[str]) -> None:
        super().__init__()
        self._name, self._all = name, everything

    def append(self, what: str) -> None:
        super().append(what)
        self._all.append(f"{self._name} {what}")


class Reactor(Clock):
    """A clock that other threads and signals may call."""

    running = True

    def __init__(self) -> None:
        super().__init__()
        self._to_run: list[Callable[[], object]] = []

    def callFromThread(self, function: Callable[[], object]) -> None:
        self.callLater(0, function)

    def callWhenRunning(self, function: Callable[..., object], *arguments: object) -> None:
        self._to_run.append(lambda: function(*arguments))
        if self.running:
            self.run()

    def run(self) -> None:
        """Begin to run, if it does not."""
        self.running = True
        while self._to_run:
            self._to_run.pop(0)()

    def stop(self) -> None:
        """End the process in order."""


async def stubborn() -> None:
    """Does not end, not even when it is cancelled."""
    with contextlib.suppress(CancelledError):
        await Deferred()
    await Deferred()


class LifecycleCase(SynchronousTestCase):
    def setUp(self) -> None:
        for each in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, each, signal.getsignal(each))
        self.clock, self.history = Reactor(), []
        context = Context(reactor=self.clock, wall=self.clock.seconds, jitter=lambda: 0.0, metrics=Metrics())
        self.spool, factory = RecordingSpool(), RecordingUpstreams()
        self.gateway = Gateway(context, self.spool, Limits(), lambda: 0)
        self.gateway.add_app("news", AppTable(upstream="recording"), factory)
        self.upstream = factory.made["news"]
        self.sink, self.first, self.second = RecordingSink(), RecordingInput(), RecordingInput()
        self.kept(self.upstream, "upstream")
        self.kept(self.sink, "sink")
        self.kept(self.first, "first")
        self.kept(self.second, "second")
        inputs = {"first": self.first, "second": self.second}
        self.parts = Parts(self.gateway, {"sink": (self.sink, 100)}, inputs, DRAIN)
        self.lifecycle = self.made()

    def made(self, **parts: Any) -> Lifecycle:
        """A lifecycle of these parts, and of others when they are given."""
        return Lifecycle(self.parts, self.clock, **parts)

    def kept(self, part: RecordingUpstream | RecordingSink | RecordingInput, name: str) -> None:
        """Have one history for all."""
        part.history = History(name, self.history)

    def submit(self, count: int = 1) -> Deferred:
        tokens = Packed.of(map(token, range(count)), 1)
        answer = self.gateway.submit(Submission(app="news", tokens=tokens, payload=PAYLOAD), "first")
        if self.spool.kept:
            self.spool.release()
        return answer

    def turn(self) -> None:
        self.clock.pump([0] * 3)

    @contextlib.contextmanager
    def said(self) -> Iterator[list[str]]:
        """The lines that were logged meanwhile, the gateway's level of importance before each."""
        lines: list[str] = []
        with capturedLogs() as events:
            yield lines
        lines += [f"{event['log_level'].name}: {formatEvent(event)}" for event in events]


class StartTests(LifecycleCase):
    def test_it_is_ready_when_the_reactor_runs(self) -> None:
        """Not before: a signal to end would meet none of the handlers, and cut it short with a traceback."""
        self.clock.running = False
        with self.said() as before:
            self.lifecycle.startService()
        self.assertNotIn("pushgate is ready", "".join(before))
        with self.said() as after:
            self.clock.run()
        self.assertIn("pushgate is ready", "".join(after))

    def test_order(self) -> None:
        """Sinks, then upstreams, then inputs: callers find everything ready."""
        with self.said() as lines:
            self.successResultOf(self.lifecycle.start())
        self.assertEqual(self.history, ["sink start", "upstream start", "first start", "second start"])
        [ready] = lines
        self.assertTrue(ready.startswith("info: pushgate is ready\n"))
        for name in ("first", "second"):
            self.assertIn(f"input {name}", ready)
        self.assertEqual(ready.count("tcp 127.0.0.1:7215"), 2)

    def test_not_ready_before_the_inputs_are(self) -> None:
        """An input that takes its time is waited for before the next one opens."""
        self.first.holding = True
        starting = self.lifecycle.start()
        self.assertNoResult(starting)
        self.assertNotIn("second start", self.history)
        self.first.release()
        self.successResultOf(starting)

    def test_a_sink_that_cannot_start(self) -> None:
        """No upstream connects and no input opens when a sink cannot start."""
        self.sink.error = CannotStart(["sinks.outcomes.path: /x: Permission denied"])
        failure = self.failureResultOf(self.lifecycle.start(), CannotStart)
        self.assertEqual(failure.value.faults, ["sinks.outcomes.path: /x: Permission denied"])
        self.assertEqual(self.history, ["sink start"])

    def test_several_sinks_that_cannot_start(self) -> None:
        """Each has its line."""
        for name in ("sink", "other"):
            sink = RecordingSink()
            sink.error = CannotStart([f"sinks.{name}.listen: in use"])
            self.parts.sinks[name] = sink, 100
        failure = self.failureResultOf(self.lifecycle.start(), CannotStart)
        self.assertEqual(failure.value.faults, ["sinks.sink.listen: in use", "sinks.other.listen: in use"])

    def test_an_input_that_cannot_start(self) -> None:
        """The others are tried as well, so that each fault is known at once."""
        self.first.error = CannotStart(["inputs.first.listen: in use"])
        failure = self.failureResultOf(self.lifecycle.start(), CannotStart)
        self.assertEqual(failure.value.faults, ["inputs.first.listen: in use"])
        self.assertEqual(self.history[-2:], ["first start", "second start"])

    def test_several_inputs_that_cannot_start(self) -> None:
        """Each has its line."""
        self.first.error = CannotStart(["inputs.first.listen: in use"])
        self.second.error = CannotStart(["inputs.second.listen: Permission denied"])
        failure = self.failureResultOf(self.lifecycle.start(), CannotStart)
        self.assertEqual(
            failure.value.faults, ["inputs.first.listen: in use", "inputs.second.listen: Permission denied"]
        )

    def test_an_input_that_takes_its_time_after_a_fault(self) -> None:
        """It is not waited for: nothing comes of the start."""
        self.first.error, self.second.holding = CannotStart(["inputs.first.listen: in use"]), True
        failure = self.failureResultOf(self.lifecycle.start(), CannotStart)
        self.assertEqual(failure.value.faults, ["inputs.first.listen: in use"])

    def test_a_stop_while_an_input_starts(self) -> None:
        """The start ends, and no further input opens."""
        self.first.holding = True
        starting = self.lifecycle.start()
        self.lifecycle.stop()
        self.failureResultOf(starting, CancelledError)
        self.assertNotIn("second start", self.history)

    def service_exit(self) -> tuple[object, str]:
        """Start as a service that must end the process: its exit code, and what it wrote for people."""
        stderr = io.StringIO()
        self.patch(sys, "__stderr__", stderr)
        with self.assertRaises(SystemExit) as caught:
            self.lifecycle.startService()
        return caught.exception.code, stderr.getvalue()

    def test_the_process_ends(self) -> None:
        """The process ends non-zero, with one line for each fault, in the log as well."""
        self.first.error = CannotStart(["one", "two"])
        with self.said() as lines:
            code, written = self.service_exit()
        self.assertEqual(code, 1)
        self.assertEqual(written, "pushgate: cannot start: one\npushgate: cannot start: two\n")
        self.assertEqual(lines[-2:], ["critical: cannot start: one", "critical: cannot start: two"])

    def test_an_unforeseen_error(self) -> None:
        """Whatever else goes wrong is logged with its traceback, and ends the process too."""
        self.first.error = RuntimeError("a bug in an input")
        code, _ = self.service_exit()
        self.assertEqual(code, 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_failure_while_running(self) -> None:
        """An input that fails when the reactor is running already stops it; the process ends non-zero."""
        ended: list[int] = []
        self.lifecycle._end_with = ended.append
        stopped: list[bool] = []
        self.patch(self.clock, "stop", lambda: stopped.append(True))
        self.patch(sys, "__stderr__", io.StringIO())
        self.first.holding = True
        self.lifecycle.startService()
        self.assertEqual((ended, stopped), ([], []))
        self.first._held.pop().errback(CannotStart(["inputs.first.listen: in use"]))
        self.assertEqual((ended, stopped), ([1], [True]))

    def test_a_start_that_goes_well(self) -> None:
        """Nothing ends."""
        self.lifecycle.startService()
        self.assertTrue(self.lifecycle.running)

    def test_hangup(self) -> None:
        """SIGHUP has the sinks open their files anew, in a turn of the reactor."""
        self.successResultOf(self.lifecycle.start())
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertNotIn("sink reopen", self.history)
        self.turn()
        self.assertEqual(self.history[-1], "sink reopen")


class StopTests(LifecycleCase):
    def setUp(self) -> None:
        super().setUp()
        self.successResultOf(self.lifecycle.start())
        self.history.clear()

    def in_flight(self, count: int = 3) -> None:
        self.submit(count)
        self.upstream.take()

    def test_order(self) -> None:
        """Upstreams, then sinks and spool, then inputs; the report says that nothing is left."""
        with self.said() as lines:
            stopped = self.lifecycle.stopService()
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(
            self.history, ["upstream stop", "upstream abort", "sink stop", "first stop", "second stop"]
        )
        self.assertTrue(self.spool.closed)
        self.assertEqual(lines, [STOPPED])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_inputs_refuse_first_and_close_last(self) -> None:
        """Pushes are refused from now on; watchers get the rest; then all close at once."""
        self.in_flight()
        self.upstream.holding = self.first.holding = True
        self.lifecycle.stop()
        self.failureResultOf(self.submit(), ShuttingDown)
        self.turn()
        self.assertNotIn("first stop", self.history)
        self.upstream.settle(State.ACCEPTED)
        self.upstream.abort()
        self.turn()
        self.assertEqual(self.history[-4:], ["sink emit", "sink stop", "first stop", "second stop"])
        self.first.release()

    def test_what_is_in_flight_is_waited_for(self) -> None:
        """The last outcomes come, and reach the sinks, before anything is closed."""
        self.in_flight()
        self.upstream.holding = True
        stopped = self.lifecycle.stop()
        self.clock.advance(DRAIN - 1)
        self.assertNoResult(stopped)
        self.upstream.settle(State.ACCEPTED)
        self.upstream.abort()
        self.turn()
        self.successResultOf(stopped)
        self.assertEqual(self.history[-4:-2], ["sink emit", "sink stop"])

    def test_the_drain_is_bounded(self) -> None:
        """After `drain_timeout` what is in flight is cut off; the report says how much has no outcome."""
        self.in_flight(3)
        self.upstream.holding = True
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.clock.advance(DRAIN - 0.1)
            self.assertNoResult(stopped)
            self.clock.advance(0.1)
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(
            lines,
            [
                "warn: stopping, sending what waits: took too long and was cut short",
                STOPPED.replace(
                    "0 notifications have no outcome", "3 notifications have no outcome and stay in the spool"
                ),
            ],
        )

    def test_an_input_that_does_not_close(self) -> None:
        """It is cut short, when everything else is stopped."""
        self.first.holding = True
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.turn()
            self.assertNoResult(stopped)
            self.clock.advance(FLUSH_TIMEOUT)
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(lines[0], "warn: stopping, input first: took too long and was cut short")

    def test_an_input_that_cannot_be_cut_short(self) -> None:
        """What does not even end when it is cancelled is left behind, and the stop is late by a little."""
        self.first.stop = lambda: Deferred.fromCoroutine(stubborn())
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.turn()
            self.clock.advance(FLUSH_TIMEOUT)
            self.clock.advance(GRACE)
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(lines[1], "error: stopping, input first: does not end, is left behind")

    def test_an_input_that_fails_to_close(self) -> None:
        """Why is logged once; everything else is stopped in order."""
        self.first.error = RuntimeError("input")
        stopped = self.lifecycle.stop()
        self.turn()
        self.successResultOf(stopped)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertIn("second stop", self.history)

    def test_an_input_that_raises(self) -> None:
        """The same when it does not even return a Deferred."""
        self.first.stop = lambda: 1 / 0
        stopped = self.lifecycle.stop()
        self.turn()
        self.successResultOf(stopped)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_sink_that_does_not_take(self) -> None:
        """A sink has some seconds to take what waits for it; then it is closed and the stop goes on."""
        self.in_flight()
        self.upstream.settle(State.ACCEPTED)
        self.sink.holding = True
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.clock.pump([0, 0, 0, FLUSH_TIMEOUT])
            self.assertNoResult(stopped)
            self.clock.advance(CLOSE_GRACE)
        self.successResultOf(stopped)
        self.assertTrue(self.spool.closed)
        self.assertEqual(lines[-1], STOPPED)
        self.flushLoggedErrors()

    def test_a_spool_that_fails_to_close(self) -> None:
        """Why is logged once, and the stop is reported all the same."""
        self.spool.close = lambda: 1 / 0
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(lines[-1], STOPPED)

    def test_a_hangup_at_the_end(self) -> None:
        """A SIGHUP that comes when all is closed opens nothing."""
        self.lifecycle.stop()
        self.turn()
        os.kill(os.getpid(), signal.SIGHUP)
        self.turn()
        self.assertNotIn("sink reopen", self.history)

    def test_the_report(self) -> None:
        """One line says what got its outcome during the stop, what did not, and where that is."""
        self.in_flight(3)
        self.submit(2)
        self.upstream.holding = True
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.upstream.settle(State.ACCEPTED)
            self.upstream.reachable(False)
            self.turn()
            self.upstream.abort()
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(
            lines,
            [
                "info: pushgate has stopped; 2 notifications have no outcome and stay in the spool; 3 were settled while it drained"
            ],
        )

    def test_nothing_keeps_what_is_left(self) -> None:
        """Without a durable spool the line says that it is lost."""
        self.in_flight(3)
        self.spool.pages = False
        with self.said() as lines:
            self.lifecycle.stop()
            self.clock.advance(DRAIN)
            self.turn()
        self.assertIn("3 notifications have no outcome and are lost; 0 were", lines[-1])


class SecondSignalTests(LifecycleCase):
    """SIGTERM or SIGINT during a stop."""

    def setUp(self) -> None:
        super().setUp()
        self.successResultOf(self.lifecycle.start())

    def again(self, signum: int = signal.SIGTERM) -> None:
        os.kill(os.getpid(), signum)
        self.turn()

    def test_the_drain_ends(self) -> None:
        """What is in flight is cut off and stays in the spool, which is closed; nothing is waited for."""
        self.submit(3)
        self.upstream.take()
        self.upstream.holding = True
        with self.said() as lines:
            stopped = self.lifecycle.stop()
            self.turn()
            self.assertNoResult(stopped)
            self.again()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.seconds(), 0)
        self.assertEqual(self.history[-4:], ["upstream abort", "sink stop", "first stop", "second stop"])
        self.assertTrue(self.spool.closed)
        self.assertEqual(lines[0], "warn: a second signal: stopping at once")
        self.assertIn("3 notifications have no outcome and stay in the spool", lines[1])
        self.assertEqual(len(lines), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_slow_parts(self) -> None:
        """Sinks and inputs that are slow have half a second each; a third signal changes nothing."""
        self.first.holding = True
        self.sink.holding = True
        self.submit()
        self.upstream.take()
        self.upstream.settle(State.ACCEPTED)
        self.turn()
        stopped = self.lifecycle.stop()
        self.turn()
        for signum in (signal.SIGINT, signal.SIGTERM):
            self.again(signum)
        for _ in range(4):
            self.assertNoResult(stopped)
            self.clock.advance(HURRY)
            self.sink.holding = False
            self.clock.advance(CLOSE_GRACE)
            self.turn()
            if stopped.called:
                break
        self.successResultOf(stopped)
        self.assertTrue(self.spool.closed)
        self.flushLoggedErrors()


class StopWhileStartingTests(LifecycleCase):
    def test_while_the_queue_is_read(self) -> None:
        """A stop while the spool is read connects nothing, opens no input, and says what the spool has."""
        self.submit(3)
        spool = RecordingSpool(*self.spool.recovered)
        spool.holding = True
        self.gateway._spool = self.gateway._apps._spool = spool
        for app in self.gateway._apps:
            app.queue._backlog._spool = spool
        self.lifecycle.startService()
        with self.said() as lines:
            stopped = self.lifecycle.stopService()
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(self.history[0], "sink start")
        self.assertFalse({"upstream start", "first start"} & set(self.history))
        self.assertTrue(spool.closed)
        self.assertEqual([line for line in lines if "ready" in line], [])

    def test_a_hangup_meanwhile(self) -> None:
        """A SIGHUP during the start does not end the process."""
        self.first.holding = True
        self.lifecycle.startService()
        os.kill(os.getpid(), signal.SIGHUP)
        self.turn()
        self.assertEqual(self.sink.history, ["start", "reopen"])
        self.first.release()
        self.assertIn("second start", self.history)

    def test_no_input_opens(self) -> None:
        """A stop during the start ends the start; it is no failure."""
        killed = []
        self.patch(os, "kill", lambda *arguments: killed.append(arguments))
        self.first.holding = True
        self.lifecycle.startService()
        self.first.holding = False
        with self.said() as lines:
            stopped = self.lifecycle.stopService()
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual(self.first._held, [], "the start still waits")
        self.assertNotIn("second start", self.history)
        self.assertEqual(killed, [])
        self.assertEqual([line for line in lines if line.startswith(LogLevel.critical.name)], [])

    def test_an_input_that_takes_no_notice(self) -> None:
        """An input whose start ends well when it is cut short does not make ready what is stopping."""
        self.first.start = lambda: Deferred(lambda starting: starting.callback(None))
        self.lifecycle.startService()
        with self.said() as lines:
            stopped = self.lifecycle.stopService()
            self.turn()
        self.successResultOf(stopped)
        self.assertEqual([line for line in lines if "ready" in line], [])
