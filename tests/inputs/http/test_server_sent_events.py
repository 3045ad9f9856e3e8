"""Live outcomes over HTTP."""

import json
from typing import ClassVar

from msgspec.structs import replace
from zope.interface.verify import verifyObject

from pushgate.inputs.http.event_stream import HEARTBEAT
from pushgate.model.errors import ShuttingDown
from pushgate.model.outcome import DeadToken, State
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.testing import outcome
from tests.http_rig import HTTPTestCase, request
from tests.samples import TOKEN, token


class WatchTests(HTTPTestCase):
    options: ClassVar = {"watch_timeout": "20s", "watch_buffer": 77}

    def watch(self, query="", **headers):
        """Watch, and return the sink."""
        self.assertEqual(self.send(request("GET", f"/v1/outcomes{query}", **headers)), [])
        self.assertEqual(self.rest.status, 200)
        self.assertEqual(self.rest.headers["content-type"], "text/event-stream")
        return self.gateway.sinks["http.watch-1"]

    def events(self):
        """The content of the chunks that came since the last look."""
        transport = self.connection.transport
        data = b"HTTP/1.1 200 OK\r\n\r\n" + transport.value()
        transport.clear()
        _, _, chunks = data.partition(b"\r\n\r\n")
        text = b""
        while chunks:
            size, _, chunks = chunks.partition(b"\r\n")
            text += chunks[: int(size, 16)]
            chunks = chunks[int(size, 16) + 2 :]
        return text

    def records(self):
        """The records in the events that came since the last look."""
        events = [
            event for event in self.events().split(b"\n\n") if event and not event.startswith((b":", b"id: "))
        ]
        self.assertTrue(all(event.startswith(b"data: ") for event in events))
        return [json.loads(event[6:]) for event in events]

    def test_the_stream_is_a_sink(self):
        """The gateway feeds it as it feeds every other."""
        verifyObject(IOutcomeSink, self.watch())

    def test_outcomes(self):
        """Each record is an event."""
        self.watch()
        self.gateway.report(outcome(tokens=[token(1), token(2)]), outcome(order=2))
        self.assertEqual(
            [each["token"] for each in self.records()], [x.hex() for x in (token(1), token(2), TOKEN)]
        )

    def test_a_new_token(self):
        """What the push service says that the device's token is now is in the event."""
        self.watch()
        self.gateway.report(replace(outcome(State.REPLACED), replacement=b"\xab"))
        [record] = self.records()
        self.assertEqual((record["state"], record["replacement"]), ("replaced", "ab"))

    def test_what_is_not_kept(self):
        """The stream has an id; a reader that resumes with one gets a gap event: nothing is kept."""
        self.watch()
        self.assertEqual(self.rest.body, b": outcomes\n\nid: live\n\n")
        for last in ("live", "0", "5f3a9c21-42"):
            self.connection = self.connect()
            self.assertEqual(self.send(request("GET", "/v1/outcomes", Last_Event_ID=last)), [])
            _, gap, event_id, rest = self.rest.body.split(b"\n\n")
            kind, _, data = gap.partition(b"\ndata: ")
            self.assertEqual((kind, json.loads(data)["reason"]), (b"event: gap", "not-kept"))
            self.assertEqual((event_id, rest), (b"id: live", b""))

    def test_what_is_no_id(self):
        """It is refused by field, shape and rule, whatever the method."""
        for bad in ("", "x", "-1", "5f3a9c21-", "-", "1", "live1", "5f3a9c21-1x", "é", "x" * 33 + "-1"):
            detail = self.refusal(self.ask("GET", "/v1/outcomes", Last_Event_ID=bad), 400, "INVALID")
            self.assertIn("last-event-id: ", detail.lower())
        self.assertIn(
            "text of 33 characters; the id of an event of this stream, or 0",
            self.refusal(self.ask("GET", "/v1/outcomes", Last_Event_ID="x" * 33), 400, "INVALID"),
        )
        [answer] = self.send(request("HEAD", "/v1/outcomes", Last_Event_ID="x"))
        self.assertEqual(answer.status, 400)

    def test_one_app(self):
        """Only its outcomes come, dead tokens too."""
        self.watch("?app=mail")
        dead = DeadToken("mail", TOKEN, 1_600_000_000, 1_700_000_000.0, "apns-stream")
        self.gateway.report(outcome(app="news"), outcome(app="mail"), dead)
        self.assertEqual([each["state"] for each in self.records()], ["accepted", "dead-token"])

    def test_an_app_that_is_not_there(self):
        """Is an error, rather than silence for ever."""
        self.refusal(self.ask("GET", "/v1/outcomes?app=x"), 404, "UNKNOWN_APP")

    def test_a_watcher_that_reads_slowly(self):
        """More is given to it when it has read; meanwhile the gateway's buffer takes it, which is bounded."""
        sink = self.watch()
        channel = self.connection.transport.producer
        channel.pauseProducing()
        taken = sink.emit([outcome()])
        self.assertNoResult(taken)
        self.pass_time(15)
        channel.resumeProducing()
        self.successResultOf(taken)
        self.assertEqual(len(self.records()), 1)
        self.pass_time(30)
        self.assertFalse(self.connection.transport.aborted)

    def test_a_watcher_that_does_not_read(self):
        """Is disconnected, and counted with the reason."""
        sink = self.watch()
        self.connection.transport.producer.pauseProducing()
        taken = sink.emit([outcome()])
        self.pass_time(20)
        self.assertTrue(self.connection.transport.aborted)
        self.lose()
        self.successResultOf(taken)
        self.assertEqual(self.gateway.sinks, {})
        self.assertEqual(self.counted("pushgate_watchers_dropped_total"), {("http", "unread"): 1})

    def test_a_large_report(self):
        """It comes piece by piece; the last one waits for the reader as well."""
        sink = self.watch()
        channel = self.connection.transport.producer
        transport = self.connection.transport

        write = transport.write

        def full(data):
            write(data)
            channel.pauseProducing()

        transport.write = full
        taken = sink.emit([outcome(tokens=[token(number) for number in range(1000)])])
        resumed = 0
        while not taken.called:
            channel.resumeProducing()
            resumed += 1
        self.assertGreaterEqual(resumed, 4)
        self.successResultOf(taken)
        self.assertEqual(len(self.records()), 1000)

    def test_a_heartbeat(self):
        """When nothing happens a comment says that the stream lives."""
        self.watch()
        self.pass_time(2 * HEARTBEAT + 1)
        self.assertEqual(self.events().count(b":\n\n"), 2)

    def test_who_goes_away(self):
        """Gets nothing more, and its number is free for another."""
        self.watch()
        self.lose()
        self.assertEqual(self.gateway.sinks, {})
        self.gateway.report(outcome())
        self.connection = self.connect()
        self.watch()

    def test_the_end(self):
        """When the gateway reports nothing more the answer ends in order."""
        sink = self.watch()
        sink.stop()
        self.assertTrue(self.connection.transport.value().endswith(b"0\r\n\r\n"))
        self.connection.transport.clear()
        self.assertIsNone(sink.emit([outcome()]))
        self.assertEqual(self.ask("GET", "/healthz").status, 200)

    def test_when_the_gateway_stops(self):
        """Streams that are there end, and none begins."""
        self.watch()
        self.server._events.close()
        self.assertTrue(self.connection.transport.value().endswith(b"0\r\n\r\n"))
        self.connection.transport.clear()
        self.server.stopping = True
        self.refusal(self.ask("GET", "/v1/outcomes"), 503, ShuttingDown.code)
