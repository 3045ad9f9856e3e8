import msgspec
from twisted.internet.task import Clock
from twisted.logger import LogEvent, LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate.model.metrics import Metrics
from pushgate.model.outcome import DeadToken, Outcome, Report, State
from pushgate.model.outcome_record import Tokens, lines
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IOutcomeSinkFactory
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import log as factory
from pushgate.sinks.log import LogSink, LogTable, shown
from pushgate.testing import outcome
from tests.samples import PAYLOAD, broadcast, token


class LogSinkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def sink(self, **options: object) -> IOutcomeSink:
        config = LogTable.model_validate({"type": "log", **options})
        context = Context(reactor=self.clock, wall=lambda: 0.0, jitter=lambda: 0.0, metrics=Metrics())
        return factory.sink("journal", config, None, context)

    def logged(self, *reports: Report, **options: object) -> list[LogEvent]:
        """What one call with `reports` logs."""
        with capturedLogs() as events:
            sink = self.sink(**options)
            sink.emit(reports)
        self.assertIsNone(sink.stop())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return events

    def test_interfaces(self) -> None:
        """Factory and sink provide what the registry and the gateway call."""
        self.assertTrue(verifyObject(IOutcomeSinkFactory, factory))
        sink = self.sink()
        self.assertTrue(verifyObject(IOutcomeSink, sink))
        self.assertIsInstance(sink, LogSink)

    def test_a_broadcast_has_no_token_to_show(self) -> None:
        """It is counted."""
        report = Outcome(broadcast(2), State.ACCEPTED, 200, "", 0.0, "apns-http2")
        [event] = self.logged(report, tokens="full")
        self.assertEqual((event["count"], event["tokens"]), (2, []))

    def test_one_event_for_each_app_state_and_reason(self) -> None:
        """However many notifications a call is about, each way to end is one event with its count."""
        three = [token(index) for index in range(3)]
        events = self.logged(
            outcome(State.ACCEPTED, tokens=three),
            outcome(State.ACCEPTED, tokens=three, order=2),
            outcome(State.ACCEPTED, app="mail"),
            outcome(State.REJECTED, status=8, reason="InvalidToken"),
            outcome(State.REJECTED, status=7, reason="InvalidPayloadSize"),
            DeadToken("news", token(1), 1, 2.0, "apns-stream"),
            DeadToken("news", token(2), 1, 2.0, "apns-stream"),
        )
        self.assertEqual(
            [(event["app"], event["state"], event["reason"], event["count"]) for event in events],
            [
                ("news", "accepted", "", 6),
                ("mail", "accepted", "", 1),
                ("news", "rejected", "InvalidToken", 1),
                ("news", "rejected", "InvalidPayloadSize", 1),
                ("news", "dead-token", "", 2),
            ],
        )

    def test_bad_news_are_warnings(self) -> None:
        """What an operator should look at is logged as a warning, the rest as information."""
        states = [state for state in State if state not in {State.QUEUED, State.WRITTEN}]
        events = self.logged(*(outcome(state, order=order) for order, state in enumerate(states)))
        warned = {event["state"] for event in events if event["log_level"] is LogLevel.warn}
        self.assertEqual(warned, {"rejected", "expired", "unknown", "failed", "dead-token"})
        others = {event["log_level"] for event in events if event["state"] not in warned}
        self.assertEqual(others, {LogLevel.info})

    def test_line_reads_well(self) -> None:
        """The text has app, count, state, reason and examples."""
        (event,) = self.logged(outcome(State.REJECTED, reason="InvalidToken"), tokens="full")
        self.assertEqual(formatEvent(event), "news: 1 rejected, InvalidToken, such as 00010203…")

    def test_three_examples_at_most(self) -> None:
        """A summary names three tokens and no more, gathered over reports."""
        many = [token(index) for index in range(9)]
        (event,) = self.logged(
            outcome(tokens=many[:2]), outcome(tokens=many[2:], order=2), outcome(tokens=many, order=3)
        )
        hashes = [msgspec.json.decode(line)["token"] for line in lines(outcome(tokens=many[:3]), Tokens.HASH)]
        self.assertEqual(event["tokens"], hashes)

    def test_dead_token_examples(self) -> None:
        """Dead tokens are named likewise."""
        dead = [DeadToken("news", token(index), 1, 2.0, "apns-stream") for index in range(5)]
        (event,) = self.logged(*dead, tokens="full")
        self.assertEqual((event["count"], len(event["tokens"])), (5, 3))

    def test_never_a_whole_token_or_a_payload(self) -> None:
        """With no option does a token, however short, or a payload reach the log."""
        for size in (4, 8, 32, 100):
            whole = bytes(range(100, 100 + size))
            for how in Tokens:
                (event,) = self.logged(outcome(State.FAILED, tokens=[whole]), tokens=str(how))
                text = formatEvent(event) + repr(event)
                self.assertNotIn(whole.hex(), text)
                self.assertNotIn(repr(whole), text)
                self.assertNotIn(PAYLOAD.decode(), text)

    def test_beginning_of_a_short_token(self) -> None:
        """Of a short token half is shown at most."""
        self.assertEqual(shown([b"\x64", b"\x64\x65"], Tokens.FULL), ["6…", "64…"])

    def test_tokens_none(self) -> None:
        """`tokens = "none"` names none."""
        (event,) = self.logged(outcome(), tokens="none")
        self.assertEqual((event["tokens"], formatEvent(event)), ([], "news: 1 accepted"))

    def test_hash_is_the_default(self) -> None:
        """Without the option the log has hashes, as the contract says."""
        self.assertEqual(LogTable(type="log").tokens, Tokens.HASH)

    def test_many_calls_do_not_flood(self) -> None:
        """The first call is logged at once, those of the following interval together when it ends."""
        sink = self.sink(interval="5s")
        with capturedLogs() as events:
            for order in range(100):
                sink.emit([outcome(order=order)])
            self.assertEqual([event["count"] for event in events], [1])
            self.clock.advance(5)
            self.assertEqual([event["count"] for event in events], [1, 99])
            self.clock.advance(5)
            self.assertEqual(self.clock.getDelayedCalls(), [])
            sink.emit([outcome()])
            self.assertEqual([event["count"] for event in events], [1, 99, 1])
        sink.stop()

    def test_stop_logs_what_is_left(self) -> None:
        """Nothing that was emitted is missing from the log after the stop."""
        sink = self.sink()
        with capturedLogs() as events:
            sink.start()
            sink.emit([outcome()])
            sink.emit([outcome(order=2)])
            sink.reopen()
            sink.stop()
        self.assertEqual(sum(event["count"] for event in events), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_without_a_report(self) -> None:
        """A sink that was given nothing logs nothing."""
        self.assertEqual(self.logged(), [])
