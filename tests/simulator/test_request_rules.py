"""The fault script about requests over HTTP/2, over real TLS: what is answered, and what counts as received."""

import json

from OpenSSL.SSL import Error
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.http.http2_h2 import H2Codec
from pushgate.simulator import provider_connection
from pushgate.simulator.fault_rules import BadScript, parse_rules
from tests.simulator.http2_provider import TOKEN, HTTP2Case, HTTP2Provider, Response, is_uuid
from tests.simulator.provider import ClockedReactor, connect, until

GOOD = (200, "")


class RuleCase(HTTP2Case):
    async def scripted(self, *rules: dict[str, object], **config: object) -> HTTP2Provider:
        """A provider with a certificate, of a simulator with these rules."""
        await self.serve(script=list(rules), **config)
        return await self.call(certificate=self.simulator.certificates.client)

    def push(self, provider: HTTP2Provider, count: int) -> list[int]:
        """The streams of pushes that are sent together."""
        streams = [provider.push(flush=False) for _ in range(count)]
        provider.flush()
        return streams

    def statuses(self, provider: HTTP2Provider, streams: list[int]) -> list[int | None]:
        """The answers, None where there is none."""
        return [provider.heard[each].status if provider.heard[each].ended else None for each in streams]

    @property
    def counts(self) -> tuple[int, int, int]:
        """What was accepted, rejected and discarded; together they are all that came."""
        received = self.simulator.received
        counts = received.accepted, received.rejected.total(), received.discarded
        self.assertEqual(sum(counts), received.frames)
        return counts


class AnswerTests(RuleCase):
    async def test_reasons(self) -> None:
        """Any answer of Apple's, and any other; by default nothing is received."""
        for rule, status, body in (
            ({"reason": "Unregistered", "timestamp": 5}, 410, {"reason": "Unregistered", "timestamp": 5}),
            ({"status": 410}, 410, {"reason": "Unregistered", "timestamp": 1_700_000_000_500}),
            ({"status": 429}, 429, {"reason": "TooManyRequests"}),
            ({"status": 503, "reason": "Shutdown"}, 503, {"reason": "Shutdown"}),
            ({"status": 400, "reason": "NewReason"}, 400, {"reason": "NewReason"}),
        ):
            provider = await self.scripted({"act": "answer", **rule})
            response = await provider.pushed()
            self.assertEqual((response.status, json.loads(response.body)), (status, body))
            self.assertEqual(response.frames, [("HEADERS", False), ("DATA", True)])
            self.assertTrue(is_uuid(response.headers["apns-id"]))
            self.assertEqual(self.counts, (0, 1, 0))

    async def test_odd_answers(self) -> None:
        """A body that is no JSON, and an error without a body."""
        provider = await self.scripted(
            {"act": "answer", "status": 502, "body": "<html>", "request": 1}, {"act": "answer", "status": 418}
        )
        self.assertEqual((await provider.pushed()).body, b"<html>")
        response = await provider.pushed()
        self.assertEqual((response.status, response.frames), (418, [("HEADERS", True)]))

    async def test_accepted_and_refused(self) -> None:
        """An error may hide that a notification was accepted, and a success that it was not."""
        provider = await self.scripted(
            {"act": "answer", "status": 500, "accepted": True, "request": 1},
            {"act": "answer", "status": 200, "accepted": False, "request": 2},
            {"act": "answer", "status": 200},
        )
        self.assertEqual((await provider.pushed()).said, (500, "InternalServerError"))
        self.assertEqual(self.counts, (1, 0, 0))
        self.assertEqual((await provider.pushed()).said, GOOD)
        self.assertEqual(self.counts, (1, 0, 1))
        self.assertEqual((await provider.pushed()).said, GOOD)
        self.assertEqual(self.counts, (2, 0, 1))
        self.assertEqual((await provider.pushed("xy")).said, GOOD)
        self.assertEqual(self.counts, (2, 0, 2))

    async def test_conditions(self) -> None:
        """Rules match by token, by the nth request, by each nth; `pass` exempts, from dead tokens too."""
        provider = await self.scripted(
            {"act": "pass", "token": "dead", "request": 1},
            {"act": "answer", "status": 429, "token": "aa"},
            {"act": "answer", "status": 500, "every": 4},
            dead=["dead"],
        )
        said = [
            (await provider.pushed(each)).status for each in ("dead", "dead", "aabb", "bb", "bb", "bb", "bb")
        ]
        self.assertEqual(said, [200, 410, 429, 500, 200, 200, 200])
        self.assertEqual(self.simulator.summary()["script_fired"], [1, 1, 1])


class LateTests(RuleCase):
    async def scripted(self, *rules: dict[str, object], **config: object) -> HTTP2Provider:
        on = ClockedReactor()
        self.clock = on.clock
        return await super().scripted(*rules, on=on, **config)

    async def call(self, **how: object) -> HTTP2Provider:
        provider = await super().call(clock=self.clock, **how)
        provider.clock = self.clock
        return provider

    async def received(self, count: int) -> None:
        """Wait until so many requests have come."""
        await until(lambda: self.simulator.received.frames == count, self.clock)

    async def test_slow_answers(self) -> None:
        """A notification is accepted at once and answered late; others overtake it."""
        provider = await self.scripted({"act": "slow", "delay": "3s", "token": "aa"})
        slow, fast = provider.push("aa"), provider.push("bb")
        self.assertEqual((await provider.answer(fast)).said, GOOD)
        self.assertEqual(self.counts, (2, 0, 0))
        self.clock.advance(2.9)
        self.assertFalse(provider.heard[slow].ended)
        self.clock.advance(0.2)
        self.assertEqual((await provider.answer(slow)).said, GOOD)

    async def test_slow_errors_and_resets(self) -> None:
        """So are errors and RST_STREAM."""
        provider = await self.scripted(
            {"act": "answer", "status": 503, "delay": "1s", "request": 1},
            {"act": "rst-stream", "code": 8, "delay": "2s"},
        )
        streams = self.push(provider, 2)
        await self.received(2)
        self.clock.advance(1.1)
        self.assertEqual((await provider.answer(streams[0])).said, (503, "ServiceUnavailable"))
        self.clock.advance(1)
        await until(lambda: provider.heard[streams[1]].reset == 8, self.clock)

    async def test_answers_to_streams_that_are_gone(self) -> None:
        """An answer to a stream that the provider has reset is not sent, and the connection goes on."""
        provider = await self.scripted({"act": "answer", "status": 500, "delay": "1s", "request": 1})
        stream = provider.push()
        await self.received(1)
        provider.h2.reset_stream(stream)
        provider.flush()
        self.assertEqual((await provider.pushed()).said, GOOD)
        self.clock.advance(1)
        self.assertEqual((await provider.pushed()).said, GOOD)
        self.assertEqual(provider.heard[stream].frames, [])

    async def test_answers_after_the_end(self) -> None:
        """What waits when the connection is lost is forgotten."""
        provider = await self.scripted({"act": "slow", "delay": "9s"})
        provider.push()
        await self.received(1)
        provider.transport.abortConnection()
        await until(lambda: not self.simulator._gates["http2"].connections, self.clock)
        self.assertEqual([call for call in self.clock.getDelayedCalls() if call.getTime() > 5], [])

    async def test_answers_after_a_drop(self) -> None:
        """What waits when the simulator ends the connection is not sent."""
        provider = await self.scripted(
            {"act": "slow", "delay": "1s", "request": 1}, {"act": "drop", "delay": "2s"}
        )
        streams = self.push(provider, 2)
        await self.received(2)
        self.clock.advance(1.1)
        self.clock.advance(1)
        await until(lambda: provider.gone, self.clock)
        self.assertEqual(self.statuses(provider, streams), [None, None])
        self.assertEqual(self.counts, (1, 0, 1))

    async def test_not_read(self) -> None:
        """A notification is answered, then nothing is read for a while: not even a PING is answered."""
        provider = await self.scripted({"act": "stop-reading", "duration": "5s", "request": 1})
        self.assertEqual((await provider.pushed()).said, GOOD)
        stream = provider.push()
        provider.h2.ping(b"12345678")
        provider.flush()
        connection = next(iter(self.simulator._gates["http2"].connections))
        self.assertTrue(connection._reading.held)
        self.clock.advance(5.1)
        self.assertEqual((await provider.answer(stream)).said, GOOD)


class StreamTests(RuleCase):
    async def test_silence(self) -> None:
        """A stream is never answered; what that means for the notification is said by the rule."""
        provider = await self.scripted(
            {"act": "silence", "request": 1}, {"act": "silence", "accepted": True, "request": 2},
            {"act": "silence", "accepted": True, "request": 3},
        )  # fmt: skip
        streams = [provider.push(), provider.push(), provider.push("xy"), provider.push()]
        self.assertEqual((await provider.answer(streams[3])).said, GOOD)
        self.assertEqual(self.statuses(provider, streams), [None, None, None, 200])
        self.assertEqual(self.counts, (2, 0, 2))

    async def test_resets(self) -> None:
        """RST_STREAM with any code, before or after acceptance; by default an internal error."""
        provider = await self.scripted(
            {"act": "rst-stream", "code": "REFUSED_STREAM", "request": 1},
            {"act": "rst-stream", "accepted": True, "request": 2},
            {"act": "rst-stream", "code": 1000, "request": 3},
        )
        streams = self.push(provider, 4)
        self.assertEqual((await provider.answer(streams[3])).said, GOOD)
        self.assertEqual([provider.heard[each].reset for each in streams[:3]], [7, 2, 1000])
        self.assertEqual(self.counts, (2, 0, 2))

    async def test_a_window_of_zero(self) -> None:
        """An error's body waits for the provider's window, and then goes in one piece."""
        await self.serve()
        provider = await self.call(token=False)
        provider.h2.update_settings({4: 0})
        provider.flush()
        stream = provider.push("xy")
        response = provider.heard[stream]
        await until(lambda: bool(response.frames))
        provider.h2.increment_flow_control_window(5, stream)
        provider.flush()
        await until(lambda: self.simulator.received.frames == 1)
        self.assertEqual(response.frames, [("HEADERS", False)])
        provider.h2.increment_flow_control_window(1000, stream)
        provider.flush()
        await provider.answer(stream)
        self.assertEqual(response.frames, [("HEADERS", False), ("DATA", True)])

    async def test_fewer_and_more_streams(self) -> None:
        """The number of concurrent streams changes, and is kept to."""
        provider = await self.scripted(
            {"act": "settings", "streams": 2, "request": 1}, {"act": "settings", "streams": 9, "request": 4},
            {"act": "silence", "token": "aa"}, streams=5,
        )  # fmt: skip
        self.assertEqual((await provider.pushed()).said, GOOD)
        await until(lambda: provider.limits == [5, 2])
        streams = [provider.push("aa"), provider.push("aa"), provider.push("aa")]
        await until(lambda: provider.heard[streams[2]].reset == 7)
        provider.h2.reset_stream(streams[0])
        self.assertEqual((await provider.pushed()).said, GOOD)
        await until(lambda: provider.limits == [5, 2, 9])
        self.assertEqual(self.counts, (2, 0, 2))


class GoAwayTests(RuleCase):
    async def test_after_a_notification(self) -> None:
        """It is answered, what came after it was not processed, and the connection ends with a reason."""
        provider = await self.scripted({"act": "goaway", "request": 2, "reason": "Shutdown"})
        streams = self.push(provider, 5)
        self.assertIsInstance(await provider.lost, ConnectionDone)
        self.assertEqual(self.statuses(provider, streams), [200, 200, None, None, None])
        self.assertEqual(provider.goaways, [(streams[1], 0, b'{"reason":"Shutdown"}')])
        self.assertEqual(self.counts, (2, 0, 0))

    async def test_before_a_notification(self) -> None:
        """The last stream is the one before it; another code, data of any kind."""
        provider = await self.scripted(
            {"act": "goaway", "request": 3, "accepted": False, "code": "ENHANCE_YOUR_CALM", "debug": "ff"}
        )
        streams = self.push(provider, 5)
        await provider.lost
        self.assertEqual(self.statuses(provider, streams), [200, 200, None, None, None])
        self.assertEqual(provider.goaways, [(streams[1], 11, b"\xff")])
        self.assertEqual(self.counts, (2, 0, 1))

    async def test_streams_below_the_last_are_finished(self) -> None:
        """A request that was not complete yet is served after GOAWAY; only then the connection ends."""
        provider = await self.scripted({"act": "goaway", "request": 1, "accepted": False})
        early = provider.h2.get_next_available_stream_id()
        head = [
            (":method", "POST"),
            (":scheme", "https"),
            (":path", "/3/device/" + TOKEN),
            (":authority", "x"),
        ]
        provider.heard[early] = Response()
        provider.h2.send_headers(early, head)
        later = provider.push()
        last = provider.push()
        await until(lambda: bool(provider.goaways))
        self.assertEqual(provider.goaways, [(0, 0, b"")])
        await provider.lost
        self.assertEqual(self.statuses(provider, [early, later, last]), [None, None, None])

    async def test_a_request_that_is_overtaken(self) -> None:
        """A stream below one that was answered cannot be unprocessed: it is answered."""
        provider = await self.scripted({"act": "goaway", "request": 2, "accepted": False})
        early = provider.h2.get_next_available_stream_id()
        head = [
            (":method", "POST"),
            (":scheme", "https"),
            (":path", "/3/device/" + TOKEN),
            (":authority", "x"),
        ]
        provider.heard[early] = Response()
        provider.h2.send_headers(early, head)
        self.assertEqual((await provider.pushed()).said, GOOD)
        provider.h2.send_data(early, b"{}", end_stream=True)
        provider.flush()
        await provider.lost
        self.assertEqual(self.statuses(provider, [early]), [200])
        self.assertEqual(provider.goaways, [(3, 0, b"")])
        self.assertEqual(self.counts, (2, 0, 0))

    async def test_a_wrong_last_stream(self) -> None:
        """The last stream can be any, also below what was accepted."""
        provider = await self.scripted(
            {"act": "silence", "accepted": True, "request": 1}, {"act": "goaway", "last_stream": 0}
        )
        streams = self.push(provider, 2)
        await provider.lost
        self.assertEqual(provider.goaways, [(0, 0, b"")])
        self.assertEqual(self.statuses(provider, streams), [None, 200])
        self.assertEqual(self.counts, (2, 0, 0))

    async def test_at_once(self) -> None:
        """GOAWAY as soon as the connection is up."""
        provider = await self.scripted({"act": "goaway", "request": 0, "reason": "Shutdown"})
        await provider.lost
        self.assertEqual(provider.goaways, [(0, 0, b'{"reason":"Shutdown"}')])


class ConnectionTests(RuleCase):
    async def test_drops(self) -> None:
        """The connection ends without a word; earlier answers arrive, later requests are gone."""
        for rule, counts, answered in (
            ({}, (1, 0, 1), [200, None, None]),
            ({"accepted": True}, (2, 0, 0), [200, None, None]),
            ({"answered": True}, (2, 0, 0), [200, 200, None]),
            ({"end": "reset", "accepted": True}, (2, 0, 0), [200, None, None]),
        ):
            provider = await self.scripted({"act": "drop", "request": 2, **rule})
            streams = self.push(provider, 3)
            why = await provider.lost
            self.assertIsInstance(why, ConnectionLost if "end" in rule else ConnectionDone)
            self.assertEqual(self.statuses(provider, streams), answered)
            self.assertEqual(provider.goaways, [])
            self.assertEqual(self.counts, counts)

    async def test_at_once(self) -> None:
        """A connection may be dropped, limited, unread or spammed as soon as it is up."""
        for rule, seen in (
            ({"act": "drop"}, lambda provider: provider.gone),
            ({"act": "settings", "streams": 3}, lambda provider: provider.limits == [1000, 3]),
            ({"act": "stop-reading", "duration": "10ms"}, lambda provider: bool(provider.limits)),
            ({"act": "raw", "data": "0000080600000000000102030405060708", "count": 3},
             lambda provider: provider.pings == [bytes(range(1, 9))] * 3),
        ):  # fmt: skip
            provider = await self.scripted({"request": 0, **rule})
            await until(lambda seen=seen, provider=provider: seen(provider))

    async def test_raw_bytes(self) -> None:
        """After an answer anything can be sent: here a GOAWAY by hand."""
        provider = await self.scripted(
            {"act": "raw", "data": "0000080700000000000000000100000002", "request": 1}
        )
        self.assertEqual((await provider.pushed()).said, GOOD)
        await until(lambda: provider.goaways == [(1, 2, b"")])

    async def test_refused_connections(self) -> None:
        """Connections over HTTP/2 are refused, and handshakes answered with an alert, apart from the binary ones."""
        await self.serve(script=[
            {"act": "tls-alert", "service": "http2", "connection": 1},
            {"act": "refuse", "service": "http2", "connection": 2, "duration": "1h"},
        ])  # fmt: skip
        for _ in range(3):
            with self.assertRaises((Error, ConnectionLost)):
                await self.call()
        binary = await connect(self.simulator)
        await binary.up
        binary.transport.abortConnection()
        await binary.lost
        summary = self.simulator.summary()["http2"]["connections"]
        self.assertEqual(summary, {"accepted": 2, "open": 0, "refused": 2, "handshakes_failed": 1})
        self.simulator.set_script([])
        self.assertEqual((await (await self.call()).pushed()).said, GOOD)

    async def test_answers_that_are_not_read(self) -> None:
        """While the provider reads nothing, nothing more is read from it."""
        provider = await self.scripted()
        connection = next(iter(self.simulator._gates["http2"].connections))
        connection.pauseProducing()
        stream = provider.push()
        self.assertTrue(connection._reading.held)
        connection.resumeProducing()
        self.assertEqual((await provider.answer(stream)).said, GOOD)


class WithH2:
    """Where ngh2 is not installed h2 does the same."""

    def setUp(self) -> None:
        self.patch(provider_connection, "http2_codec", H2Codec)


class StreamTestsWithH2(WithH2, StreamTests):
    pass


class GoAwayTestsWithH2(WithH2, GoAwayTests):
    pass


class ConnectionTestsWithH2(WithH2, ConnectionTests):
    pass


class RuleTests(SynchronousTestCase):
    def test_faults(self) -> None:
        """What makes no sense is refused, naming rule and key."""
        for rule, fault in (
            ({"act": "answer"}, "needs a status or a reason"),
            ({"act": "answer", "reason": "NewReason"}, "needs a status: the reason is none of Apple's"),
            ({"act": "answer", "reason": 5}, "needs a status"),
            ({"act": "answer", "status": 100}, "script[0].status: 100"),
            ({"act": "answer", "status": 500, "request": 0}, "script[0].request: 0"),
            ({"act": "rst-stream", "code": "NO_SUCH"}, "script[0].code"),
            ({"act": "settings"}, "script[0].streams"),
            ({"act": "slow", "delay": 5}, "script[0].delay"),
        ):
            with self.assertRaises(BadScript) as caught:
                parse_rules([rule])
            self.assertIn(fault, "; ".join(caught.exception.faults))

    def test_defaults(self) -> None:
        """Status and reason complete one another."""
        found = parse_rules([
            {"act": "answer", "reason": "Shutdown"}, {"act": "answer", "status": 403}, {"act": "answer", "status": 418},
        ])  # fmt: skip
        self.assertEqual(
            [(rule.status, rule.words) for rule in found],
            [(503, "Shutdown"), (403, "InvalidProviderToken"), (418, "")],
        )
