from msgspec.structs import replace
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate.gateway.outcomes.sink_feeder import CALL_LIMIT, CLOSE_GRACE, SinkFeeder
from pushgate.model.errors import SinkDown
from pushgate.model.log_throttle import LOG_INTERVAL
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import DeadToken, Outcome, Report
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.testing import RecordingSink, outcome
from tests.samples import token


def outcomes(count: int, of: int = 1) -> list[Report]:
    """`count` reports on `of` notifications each."""
    tokens = [token(index) for index in range(of)]
    return [outcome(order=order, tokens=tokens) for order in range(count)]


def covered(reports: list[Report]) -> list[tuple[int, int]]:
    """Every notification that is reported on, as the order of its batch and its index."""
    return [
        (report.span.batch.order, index)
        for report in reports
        if isinstance(report, Outcome)
        for index in range(report.span.start, report.span.stop)
    ]


class OutletCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.metrics, self.sink = Clock(), Metrics(), RecordingSink()
        self.outlet = SinkFeeder("file", self.sink, 10, self.clock, lambda: 0.0, self.metrics)

    def turn(self, count: int = 1) -> None:
        self.clock.pump([0] * count)

    def counted(self, name: str) -> int:
        return self.metrics.counts[name].get(("file",), 0)

    def errors(self) -> int:
        return self.counted("pushgate_sink_errors_total")

    def dropped(self) -> int:
        return self.counted("pushgate_sink_dropped_total")


class OutletTests(OutletCase):
    def test_recording_sink_provides_its_interface(self) -> None:
        """The fake that stands for sinks here is one."""
        self.assertTrue(verifyObject(IOutcomeSink, self.sink))

    def test_sink_is_called_in_a_later_turn(self) -> None:
        """Reporting does not call the sink: its time is not the caller's."""
        reports = outcomes(2)
        self.outlet.report(reports)
        self.assertEqual(self.sink.calls, [])
        self.turn()
        self.assertEqual(self.sink.calls, [reports])

    def test_how_it_is_doing(self) -> None:
        """What waits, since when the first of it does, and what went wrong, as operators see it."""
        self.outlet = SinkFeeder("file", self.sink, 10, self.clock, lambda: 0.0, self.metrics, lambda _: None)
        self.assertEqual(self.outlet.stats(99.0)["age"], 0.0)
        first, second = (
            replace(each, at=at) for each, at in zip(outcomes(2, of=3), (90.0, 95.0), strict=True)
        )
        self.outlet.report([], 1)
        self.outlet.report([first], 2)
        self.outlet.report([second], 3)
        waiting = {"lag": 6, "reports": 2, "buffer": 10, "age": 9.0, "watches": False}
        fine = {"failing": False, "dropped": 0, "errors": 0}
        self.assertEqual(self.outlet.stats(99.0), waiting | fine)
        self.sink.error = SinkDown("away")
        self.turn()
        self.assertEqual(self.outlet.stats(99.0), waiting | fine | {"failing": True, "errors": 1})
        self.outlet.report(outcomes(11), 4)
        self.assertEqual(self.outlet.stats(99.0)["dropped"], 1)
        self.assertEqual(self.outlet.stats(80.0)["age"], 0.0)  # the clock was set back
        self.sink.error = None
        self.clock.advance(1.0)
        self.turn(9)
        self.assertEqual(
            self.outlet.stats(99.0),
            waiting | {"lag": 0, "reports": 0, "age": 0.0} | {"failing": False, "dropped": 1, "errors": 1},
        )

    def test_nothing_to_report_calls_nothing(self) -> None:
        """An empty report leaves no turn behind."""
        self.outlet.report([])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_reports_of_one_turn_go_together(self) -> None:
        """What is reported before the sink's turn comes makes one call."""
        first, second = outcomes(2)
        self.outlet.report([first])
        self.outlet.report([second])
        self.turn(3)
        self.assertEqual(self.sink.calls, [[first, second]])

    def test_one_call_at_a_time(self) -> None:
        """While a call is under way the reports gather; they go together with the next one."""
        self.sink.holding = True
        first, second, third = outcomes(3)
        self.outlet.report([first])
        self.turn()
        self.outlet.report([second])
        self.outlet.report([third])
        self.turn(3)
        self.assertEqual(self.sink.calls, [[first]])
        self.sink.release()
        self.turn()
        self.assertEqual(self.sink.calls, [[first], [second, third]])

    def test_reporting_from_within_the_sink(self) -> None:
        """A sink whose call causes a new report gets it in another call, after this one."""
        first, second = outcomes(2)
        emit, order = self.sink.emit, []

        def report_more(reports):
            order.append("in")
            if reports == [first]:
                self.outlet.report([second])
                self.turn()
            order.append("out")
            return emit(reports)

        self.sink.emit = report_more
        self.outlet.report([first])
        self.turn(2)
        self.assertEqual(self.sink.calls, [[first], [second]])
        self.assertEqual(order, ["in", "out", "in", "out"])

    def test_call_is_bounded(self) -> None:
        """No call covers more than CALL_LIMIT notifications; reports are cut, none is lost or doubled."""
        outlet = SinkFeeder("file", self.sink, 100, self.clock, lambda: 0.0, self.metrics)
        reports = outcomes(7, of=CALL_LIMIT // 2 + 1)
        outlet.report(reports)
        self.turn(20)
        sizes = [len(covered(call)) for call in self.sink.calls]
        self.assertTrue(all(size <= CALL_LIMIT for size in sizes))
        self.assertEqual(covered(self.sink.reports), covered(reports))
        self.assertEqual(outlet.lag, 0)

    def test_batch_larger_than_a_call(self) -> None:
        """One report on more notifications than a call may cover reaches the sink in several calls."""
        reports = outcomes(1, of=2 * CALL_LIMIT + 5)
        self.outlet.report(reports)
        self.turn(3)
        self.assertEqual([len(covered(call)) for call in self.sink.calls], [CALL_LIMIT, CALL_LIMIT, 5])
        self.assertEqual(covered(self.sink.reports), covered(reports))

    def test_lag_counts_notifications_not_yet_taken(self) -> None:
        """The lag is what waits and what the sink is busy with; a dead token counts as one."""
        self.sink.holding = True
        self.outlet.report(outcomes(2, of=3))
        self.turn()
        self.outlet.report([DeadToken("news", token(1), 1, 2.0, "apns-stream")])
        self.assertEqual(self.outlet.lag, 7)
        self.sink.release()
        self.assertEqual(self.outlet.lag, 1)
        self.turn()
        self.sink.release()
        self.assertEqual(self.outlet.lag, 0)

    def test_raising_sink_is_logged_and_counted(self) -> None:
        """A sink that raises loses that call's reports, is logged once and counted, and gets later ones."""
        first, second = outcomes(2)
        self.sink.error = ValueError("broken")
        self.outlet.report([first])
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.errors(), 1)
        self.assertTrue(self.outlet.stats(0.0)["failing"])  # until a call does not
        self.sink.error = None
        self.outlet.report([second])
        self.turn()
        self.assertFalse(self.outlet.stats(0.0)["failing"])
        self.assertEqual(self.sink.calls, [[first], [second]])
        self.assertEqual(self.outlet.lag, 0)

    def test_failing_deferred_is_logged_and_counted(self) -> None:
        """A sink whose Deferred fails is treated as one that raises."""
        self.sink.holding = True
        self.outlet.report(outcomes(1))
        self.turn()
        self.sink.fail(RuntimeError("disk full"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((self.errors(), self.outlet.lag), (1, 0))

    def test_failures_in_a_row_are_logged_once_a_minute(self) -> None:
        """The first failure is logged at once; then at most one line a minute says how many there were."""
        self.sink.error = ValueError("broken")
        with capturedLogs() as events:
            for _ in range(5):
                self.outlet.report(outcomes(1))
                self.turn()
            self.clock.advance(LOG_INTERVAL)
            self.outlet.report(outcomes(1))
            self.turn()
        self.assertEqual([event["count"] for event in events], [1, 5])
        self.assertEqual(self.errors(), 6)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_full_buffer_drops_the_newest(self) -> None:
        """Beyond `buffer` reports the newest are dropped, counted in notifications, and reported in one line."""
        reports = outcomes(14, of=2)
        with capturedLogs() as events:
            self.outlet.report(reports[:7])
            self.outlet.report(reports[7:12])
            self.outlet.report(reports[12:])
        self.assertEqual(self.dropped(), 8)
        self.assertEqual([(event["log_level"], event["count"]) for event in events], [(LogLevel.warn, 4)])
        self.turn()
        self.assertEqual(self.sink.reports, reports[:10])

    def test_start_passes_errors_on(self) -> None:
        """What a sink raises when it starts stops the start."""
        self.sink.error = ValueError("port in use")
        self.assertRaises(ValueError, self.outlet.start)

    def test_failing_reopen_is_logged_and_counted(self) -> None:
        """A reopen that fails hurts nobody else."""
        self.sink.error = RuntimeError("no such directory")
        self.outlet.reopen()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((self.sink.history, self.errors()), (["reopen"], 1))

    def test_stop_flushes_then_stops(self) -> None:
        """Stopping waits for the call under way, gives the sink what waits, then stops it."""
        self.sink.holding = True
        first, second = outcomes(2)
        self.outlet.report([first])
        self.turn()
        self.outlet.report([second])
        stopped = self.outlet.stop()
        self.sink.release()
        self.turn()
        self.assertEqual(self.sink.history, ["emit", "emit"])
        self.sink.release()
        self.assertEqual(self.sink.history, ["emit", "emit", "stop"])
        self.assertNoResult(stopped)
        self.sink.release()
        self.successResultOf(stopped)
        self.assertEqual(self.sink.calls, [[first], [second]])

    def test_stop_without_anything_to_flush(self) -> None:
        """An idle sink is stopped at once."""
        self.successResultOf(self.outlet.stop())
        self.assertEqual(self.sink.history, ["stop"])

    def test_failing_stop_is_logged_and_counted(self) -> None:
        """Stopping never fails: the gateway has others to stop."""
        self.sink.error = RuntimeError("disk full")
        self.successResultOf(self.outlet.stop())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.errors(), 1)

    def test_cancelled_stop_gives_up_the_flush(self) -> None:
        """Cancelled, it cancels the call under way, counts what was not taken as dropped, stops the sink."""
        self.sink.holding = True
        self.outlet.report(outcomes(1, of=3))
        self.turn()
        self.outlet.report(outcomes(1, of=4))
        stopped = self.outlet.stop()
        stopped.cancel()
        self.assertEqual(self.sink.history, ["emit", "stop"])
        self.assertEqual((self.dropped(), self.outlet.lag, self.errors()), (7, 0, 0))
        self.sink.release()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled_before_the_turn_came(self) -> None:
        """Cancelled before the sink's turn came, no turn is left behind."""
        self.outlet.report(outcomes(1))
        stopped = self.outlet.stop()
        stopped.cancel()
        self.successResultOf(stopped)
        self.assertEqual((self.clock.getDelayedCalls(), self.sink.history), ([], ["stop"]))

    def test_cancelled_stop_does_not_wait_for_a_sink_that_hangs(self) -> None:
        """After a cancelled flush the sink has CLOSE_GRACE seconds to close, then the stop is done."""
        self.sink.holding = True
        self.outlet.report(outcomes(1))
        self.turn()
        stopped = self.outlet.stop()
        stopped.cancel()
        self.clock.advance(CLOSE_GRACE)
        self.successResultOf(stopped)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_stop_outlives_an_emit_that_cannot_be_cancelled(self) -> None:
        """A call that ignores being cancelled does not hold up the stop; its end later changes nothing."""
        stubborn: Deferred[None] = Deferred()
        emitted: Deferred[None] = Deferred(lambda _: None)
        emitted.addErrback(lambda failure: failure.trap(CancelledError) and stubborn)
        self.sink.emit = lambda reports: emitted
        self.outlet.report(outcomes(1))
        self.turn()
        stopped = self.outlet.stop()
        stopped.cancel()
        self.successResultOf(stopped)
        stubborn.callback(None)
        self.assertEqual((self.outlet.lag, self.dropped()), (0, 1))

    def test_reports_after_the_stop_are_dropped(self) -> None:
        """A stopped sink is not called again; what comes is counted as dropped."""
        self.successResultOf(self.outlet.stop())
        self.outlet.report(outcomes(2))
        self.turn()
        self.assertEqual((self.sink.history, self.dropped()), (["stop"], 2))

    def test_trouble_is_summed_up_at_the_end(self) -> None:
        """After trouble, the stop says in one line how many calls failed and how much was dropped."""
        self.sink.error = ValueError("broken")
        self.outlet.report(outcomes(12))
        self.turn()
        self.sink.error = None
        with capturedLogs() as events:
            self.successResultOf(self.outlet.stop())
        self.assertEqual([(event["errors"], event["count"]) for event in events], [(1, 2)])
        self.flushLoggedErrors(ValueError)


class DownTests(OutletCase):
    """A sink that is down, and what the spool learns of it."""

    def setUp(self) -> None:
        super().setUp()
        self.taken: list[int] = []
        self.outlet = SinkFeeder(
            "file", self.sink, 10, self.clock, lambda: 1.0, self.metrics, self.taken.append
        )

    def test_the_same_again(self) -> None:
        """What a sink could not take it is given again, after 1, 2, 4 s and so on up to a minute, in order."""
        first, second = outcomes(2)
        self.sink.error = OSError("disk full")
        self.outlet.report([first], 1)
        self.turn()
        self.outlet.report([second], 2)
        for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
            self.sink.calls.clear()
            self.clock.advance(seconds - 0.01)
            self.assertEqual(self.sink.calls, [])
            self.clock.advance(0.01)
            self.assertEqual(self.sink.calls, [[first]])
        self.assertEqual((self.outlet.lag, self.taken, self.errors()), (2, [], 9))
        self.sink.error = None
        self.clock.pump([60, 0, 0])
        self.assertEqual((self.sink.calls[-1], self.outlet.lag, self.taken), ([second], 0, [1, 2]))
        self.sink.error = SinkDown()
        self.outlet.report([first], 3)
        self.clock.pump([0, 1])
        self.assertEqual((len(self.sink.calls), self.taken), (5, [1, 2]))  # and it begins with 1 s again
        self.flushLoggedErrors(OSError, SinkDown)

    def test_what_the_log_says(self) -> None:
        """One line with the reason when it is down, without a traceback, and one when it is up again."""
        self.sink.error = SinkDown("https://a:1: no\ranswer")
        with capturedLogs() as events:
            self.outlet.report(outcomes(1), 1)
            self.clock.pump([0, 1])
            self.sink.error = None
            self.clock.pump([2, 0])
            self.outlet.report(outcomes(1), 2)
            self.clock.pump([0, 0])
        self.assertEqual(
            [(each["log_level"].name, formatEvent(each)) for each in events],
            [
                (
                    "warn",
                    r"sink file: emit failed: https://a:1: no\ranswer; failures since the last such line: 1",
                ),
                ("info", "sink file: takes reports again"),
            ],
        )
        self.assertFalse(any("log_failure" in each for each in events))

    def test_taken(self) -> None:
        """A number counts as taken with its last report, however the reports are cut into calls."""
        self.sink.holding = True
        self.outlet.report(outcomes(1, of=CALL_LIMIT), 1)
        self.outlet.report(outcomes(2, of=CALL_LIMIT), 2)
        self.outlet.report([], 3)
        self.assertEqual(self.taken, [3])
        for taken in ([3], [3, 1], [3, 1]):
            self.turn()
            self.assertEqual(self.taken, taken)
            self.sink.release()
        self.assertEqual(self.taken, [3, 1, 2])

    def test_what_finds_no_room(self) -> None:
        """What is dropped will not be given again."""
        self.outlet.report(outcomes(11), 1)
        self.outlet.report(outcomes(1), 2)
        self.assertEqual((self.taken, self.dropped()), ([2], 2))
        self.turn(2)
        self.assertEqual(self.taken, [2, 1])

    def test_stopped_while_it_is_down(self) -> None:
        """What a sink that is down did not take is neither taken nor dropped: it stays for the next start."""
        self.sink.error = OSError("disk full")
        self.outlet.report(outcomes(1, of=3), 1)
        self.turn()
        self.outlet.report(outcomes(1), 2)
        stopped = self.outlet.stop()
        with capturedLogs() as events:
            stopped.cancel()
        self.successResultOf(stopped)
        self.assertEqual((self.taken, self.dropped(), self.clock.getDelayedCalls()), ([], 0, []))
        self.assertIn(
            "sink file: stopped; 4 notifications stay in the spool until its next start",
            [formatEvent(event) for event in events],
        )
        self.flushLoggedErrors(OSError)

    def test_released(self) -> None:
        """A sink that nobody wants any more keeps nothing in the spool."""
        self.sink.error = OSError("disk full")
        self.outlet.report(outcomes(1), 1)
        self.turn()
        self.outlet.report(outcomes(1), 2)
        self.outlet.stop().cancel()
        self.outlet.release()
        self.assertEqual(self.taken, [1, 2])
        self.flushLoggedErrors(OSError)


class CaughtUpTests(OutletCase):
    def setUp(self) -> None:
        super().setUp()
        self.sink.holding = True

    def test_nothing_waits(self) -> None:
        """With nothing to take a sink has caught up."""
        self.successResultOf(self.outlet.caught_up())

    def test_taken(self) -> None:
        """It fires when the sink took what was reported until the call, not later and not earlier."""
        self.outlet.report(outcomes(1))
        first = self.outlet.caught_up()
        self.turn()
        self.outlet.report(outcomes(1))
        second = self.outlet.caught_up()
        self.assertNoResult(first)
        self.sink.release()
        self.successResultOf(first)
        self.turn()
        self.assertNoResult(second)
        self.sink.release()
        self.successResultOf(second)

    def test_down(self) -> None:
        """Nobody waits for a sink that is down, however long; for one that is up again they do."""
        self.outlet.report(outcomes(1))
        before = self.outlet.caught_up()
        self.turn()
        self.sink.fail(SinkDown("no answer"))
        self.successResultOf(before)
        self.successResultOf(self.outlet.caught_up())
        self.clock.advance(1)
        self.sink.release()
        self.outlet.report(outcomes(1))
        self.assertNoResult(self.outlet.caught_up())

    def test_given_up(self) -> None:
        """Nor for one that is stopped."""
        self.outlet.report(outcomes(1))
        waiting = self.outlet.caught_up()
        self.turn()
        self.outlet.stop().cancel()
        self.successResultOf(waiting)
