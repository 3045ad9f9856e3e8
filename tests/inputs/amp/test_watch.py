"""Programs that watch outcomes on the AMP input."""

import json
from typing import ClassVar

from zope.interface.verify import verifyObject

from pushgate.inputs.amp.server import AmpServer, AmpTable
from pushgate.inputs.amp.watcher import WINDOW, Watcher
from pushgate.inputs.common.session import Authenticator
from pushgate.model.outcome import DeadToken, State
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.protocols.amp.boxes import box_bytes
from pushgate.testing import outcome
from tests.amp_rig import AmpTestCase, command, push_batch
from tests.gateway_rig import GatewayRig
from tests.samples import TOKEN, token


class WatchTests(AmpTestCase):
    options: ClassVar = {"watch_timeout": "20s", "watch_buffer": 77}

    def watch(self, **arguments):
        """Watch, and return the sink."""
        [answer] = self.send(command("Watch", **arguments))
        self.assertEqual(answer[b"watching"], b"True")
        return self.gateway.sinks["amp.watch-1"]

    def records(self, boxes):
        """The outcome records in these boxes."""
        return [json.loads(line) for box in boxes for line in box[b"outcomes"].split(b"\n")]

    def dropped(self):
        """How many watchers were dropped, by input and reason."""
        return self.context.metrics.counts["pushgate_watchers_dropped_total"]

    def acknowledge(self, *boxes):
        """Answer these boxes."""
        return self.send(*[box_bytes({b"_answer": box[b"_ask"], b"ok": b"True"}) for box in boxes])

    def test_the_watcher_is_a_sink(self):
        """The gateway feeds it as it feeds every other."""
        verifyObject(IOutcomeSink, self.watch())
        verifyObject(IOutcomeSink, Watcher(lambda _: None, lambda _: True, self.clock, 1.0, lambda: None))

    def test_outcomes_are_sent(self):
        """As records, one JSON object a line."""
        self.watch()
        self.gateway.report(outcome(tokens=[token(1), token(2)]), outcome(order=2))
        [box] = self.received()
        self.assertEqual(box[b"_command"], b"Outcomes")
        self.assertEqual(
            [each["token"] for each in self.records([box])], [x.hex() for x in (token(1), token(2), TOKEN)]
        )

    def test_the_word_that_a_token_is_dead_is_sent(self):
        """The feedback service's entries are outcomes too, and belong to an app."""
        self.watch(app=b"mail")
        dead = [
            DeadToken(app, TOKEN, 1_600_000_000, 1_700_000_000.0, "apns-stream") for app in ("news", "mail")
        ]
        self.gateway.report(*dead)
        [record] = self.records(self.received())
        self.assertEqual((record["app"], record["state"], record["id"]), ("mail", "dead-token", None))

    def test_nothing_comes_before_the_last_was_acknowledged(self):
        """So a slow watcher's outcomes wait in the gateway's buffer, which is bounded."""
        self.watch()
        self.gateway.report(outcome())
        self.gateway.report(outcome(order=2))
        [box] = self.received()
        [second] = self.acknowledge(box)
        self.assertEqual(len(self.records([second])), 1)

    def test_a_large_report_is_sent_in_several_boxes(self):
        """Each fits into AMP's value, few are under way at a time, and nothing is left out."""
        tokens = [token(number) for number in range(3000)]
        self.watch()
        self.gateway.report(outcome(tokens=tokens))
        under_way, seen = self.received(), []
        self.assertEqual(len(under_way), WINDOW)
        while under_way:
            box = under_way.pop(0)
            self.assertLessEqual(len(box[b"outcomes"]), 65535)
            seen += self.records([box])
            under_way += self.acknowledge(box)
            self.assertLessEqual(len(under_way), WINDOW)
        self.assertEqual([each["token"] for each in seen], [each.hex() for each in tokens])
        self.assertEqual([each["index"] for each in seen], list(range(3000)))

    def test_a_watcher_may_want_one_app_only(self):
        """Outcomes of others are not sent, and nothing waits for them."""
        self.watch(app=b"mail")
        self.gateway.report(outcome(app="news"))
        self.assertEqual(self.received(), [])
        self.gateway.report(outcome(app="news", order=2), outcome(app="mail", order=3))
        self.assertEqual([each["app"] for each in self.records(self.received())], ["mail"])

    def test_watching_again_changes_the_app(self):
        """There is one watch on a connection; the last command counts."""
        self.watch(app=b"mail")
        self.watch()
        self.assertEqual(len(self.gateway.sinks), 1)
        self.gateway.report(outcome(app="news"))
        self.assertEqual(len(self.received()), 1)

    def test_an_unknown_app_cannot_be_watched(self):
        """A misspelt name is an error, not an eternal silence."""
        self.assertEqual(self.refusal(command("Watch", app=b"nwes"))[0], "UNKNOWN_APP")
        self.assertEqual(self.gateway.sinks, {})

    def test_several_connections_watch(self):
        """Each has a sink of its own; a name is used again when its connection is gone."""
        self.watch()
        other = self.connect()
        self.send(command("Watch"), connection=other)
        self.assertEqual(set(self.gateway.sinks), {"amp.watch-1", "amp.watch-2"})
        self.lose(self.connection)
        self.assertEqual(set(self.gateway.sinks), {"amp.watch-2"})
        self.send(command("Watch"), connection=self.connect())
        self.assertEqual(set(self.gateway.sinks), {"amp.watch-1", "amp.watch-2"})

    def test_a_watcher_that_acknowledges_nothing_is_disconnected(self):
        """It would drop outcomes for ever; the reason is logged and counted."""
        self.watch()
        self.gateway.report(outcome())
        [box] = self.received()
        self.clock.advance(19)
        self.acknowledge(box)
        self.gateway.report(outcome(order=2))
        self.clock.advance(19)
        self.assertFalse(self.connection.transport.disconnecting)
        self.clock.advance(1)
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertEqual(self.gateway.sinks, {})
        self.assertTrue(any("acknowledged no outcomes for 20 s" in line for line in self.logged()))
        self.assertEqual(self.dropped(), {("amp", "unread"): 1})

    def test_a_watcher_that_reads_nothing_holds_little(self):
        """Neither what it was sent nor what waits for it grows, however much happens."""
        rig = GatewayRig()
        table = AmpTable(type="amp", **self.options)
        authenticator = Authenticator("amp", self.trusting, rig.gateway, rig.context)
        self.server = AmpServer("amp", table, rig.gateway, rig.context, authenticator)
        connection = self.connect()
        self.send(command("Watch"), connection=connection)
        for _ in range(200):
            rig.submit(500)
            rig.upstream.take()
            rig.upstream.settle(State.ACCEPTED)
            rig.clock.advance(0)
        self.assertLessEqual(len(connection.transport.value()), (WINDOW + 1) * 65535)
        self.assertLessEqual(rig.gateway.stats()["sinks"]["amp.watch-1"]["lag"], 78 * 500)
        self.assertGreater(rig.counted("pushgate_sink_dropped_total", "amp.watch-1"), 40_000)
        rig.clock.advance(20)
        self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(rig.counted("pushgate_watchers_dropped_total", "amp", "unread"), 1)
        self.assertNotIn("amp.watch-1", rig.gateway.stats()["sinks"])

    def test_a_watcher_is_not_blamed_for_a_slow_gateway(self):
        """While too many commands wait for the gateway, its acknowledgements are not even read."""
        self.watch()
        self.gateway.holding = True
        self.send(*[push_batch(ask=b"%d" % number) for number in range(256)])
        self.gateway.report(outcome())
        [box] = self.received()
        self.clock.advance(20)
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.release()
        self.acknowledge(box)
        self.assert_alive()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_program_that_does_not_know_outcomes_is_left_alone(self):
        """It answers with an error; the watch ends, its pushes go on, and the log says so."""
        self.watch()
        self.gateway.report(outcome())
        [box] = self.received()
        error = {b"_error": box[b"_ask"], b"_error_code": b"UNHANDLED", b"_error_description": b"?"}
        self.send(box_bytes(error))
        self.assertEqual(self.gateway.sinks, {})
        self.assert_alive()
        self.assertTrue(any("UNHANDLED" in line for line in self.logged()))
        self.assertEqual(self.dropped(), {("amp", "refused"): 1})
        self.watch()

    def test_what_it_answers_cannot_move_a_cursor(self):
        """An error code is a peer's own word: in the log it is one line, without control characters."""
        self.watch()
        self.gateway.report(outcome())
        [box] = self.received()
        self.send(box_bytes({b"_error": box[b"_ask"], b"_error_code": b"\x1b[2J\r\nOK"}))
        [line] = [line for line in self.logged() if "watches no longer" in line]
        self.assertIn(r"it answered Outcomes with \x1b[2J\r\nOK", line)

    def test_the_gateway_is_not_kept_waiting_by_a_lost_watcher(self):
        """What it was waiting for fires when the connection is gone, and nothing is sent after that."""
        sink = self.watch()
        taken = sink.emit([outcome()])
        self.assertNoResult(taken)
        self.lose(self.connection)
        self.successResultOf(taken)
        self.assertIsNone(sink.emit([outcome()]))
