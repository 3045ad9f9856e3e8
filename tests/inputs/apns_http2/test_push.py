"""Requests of Apple's provider API, and their answers."""

import json
from typing import ClassVar

from twisted.internet.defer import Deferred

from pushgate.inputs.apns_http2 import pushes
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.model.errors import Internal, Overloaded, ShuttingDown
from pushgate.model.notification import Priority
from pushgate.protocols.apns_http2.reasons import ANSWERS
from tests.apns_http2_input_rig import APNS_ID, Answer, PushInputTestCase
from tests.input_rig import Transport
from tests.samples import PAYLOAD, TOKEN, token

KNOWN = {(answer.status, answer.reason) for answer in ANSWERS}
PATH = f"/3/device/{TOKEN.hex()}"


class AnswerTests(PushInputTestCase):
    def test_success(self):
        """A good push is answered 200 without a body, in one frame that ends the stream."""
        stream = self.peer.request(apns_id=APNS_ID)
        self.turn()
        answer = self.peer.answers[stream]
        self.assertEqual((answer.status, answer.body, answer.complete), (200, b"", True))
        self.assertEqual(answer.headers["apns-id"], APNS_ID)
        frames = [(kind, flags) for kind, of, flags in self.peer.frames if of == stream]
        self.assertEqual(frames, [("HeadersFrame", {"END_HEADERS", "END_STREAM"})])
        self.assertEqual(self.accepted(), [TOKEN])

    def test_an_error_is_one_frame_of_data(self):
        """Clients parse the first DATA frame, and one more without data would be too much for some."""
        stream = self.peer.request("/3/device/xyz", apns_id=APNS_ID)
        self.turn()
        answer = self.peer.answers[stream]
        self.assertEqual(answer.told, (400, "BadDeviceToken"))
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["apns-id"], APNS_ID)
        frames = [(kind, flags) for kind, of, flags in self.peer.frames if of == stream]
        self.assertEqual(frames, [("HeadersFrame", {"END_HEADERS"}), ("DataFrame", {"END_STREAM"})])

    def test_the_id_comes_back_byte_for_byte(self):
        """Clients find by it what an answer is to: in any case, malformed, of any answer."""
        for given, status in (
            (APNS_ID.upper(), 200),
            ("no uuid", 400),
            ("x" * 200, 400),
        ):
            answer = self.ask(apns_id=given)
            self.assertEqual((answer.status, answer.headers["apns-id"]), (status, given))
        answer = self.ask("/4/nothing", apns_id=APNS_ID)
        self.assertEqual((answer.told, answer.headers["apns-id"]), ((404, "BadPath"), APNS_ID))

    def test_an_id_is_made_when_none_was_given(self):
        """Of a notification that was accepted it is that of its outcome record."""
        first, second = self.ask(), self.ask("/3/device/xyz")
        self.assertEqual(first.headers["apns-id"], "018f0000-0000-7000-8000-000000010000")
        self.assertEqual(len(second.headers["apns-id"]), 36)
        self.assertEqual(
            self.ask(apns_id=APNS_ID).headers["apns-unique-id"], "018f0000-0000-7000-8000-000000020000"
        )

    def test_refusals(self):
        """Each fault has Apple's status and reason."""
        for options, told in (
            ({"method": "GET"}, (405, "MethodNotAllowed")),
            ({"path": "/"}, (404, "BadPath")),
            ({"path": "/3/device/"}, (400, "MissingDeviceToken")),
            ({"body": b""}, (400, "PayloadEmpty")),
            ({"body": None}, (400, "PayloadEmpty")),
            ({"body": b"{"}, (400, "PayloadEmpty")),
            ({"body": b'{"a":"%b"}' % (b"a" * 4096)}, (413, "PayloadTooLarge")),
            ({"body": b'{"a":"%b"}' % (b"a" * 5120), "apns_push_type": "voip"}, (413, "PayloadTooLarge")),
            ({"apns_priority": "7"}, (400, "BadPriority")),
            ({"apns_push_type": "wrong"}, (400, "InvalidPushType")),
            ({"apns_expiration": "soon"}, (400, "BadExpirationDate")),
            ({"apns_collapse_id": "x" * 65}, (400, "BadCollapseId")),
            ({"apns_topic": "no topic"}, (400, "BadTopic")),
            ({"headers": [("apns-priority", "5"), ("apns-priority", "10")]}, (400, "DuplicateHeaders")),
            ({"headers": [("origin", "https://example.com")]}, (403, "Forbidden")),
        ):
            with self.subTest(options=options):
                self.assertEqual(self.told(**options), told)
                self.assertIn(told, KNOWN)
        self.assertEqual(self.accepted(), [])
        self.assertEqual(self.counted("pushgate_refused_total")["", "apple", "TOO_LARGE"], 2)

    def test_what_is_ignored(self):
        """Clients send more than Apple needs, and less than the standard wants: host for :authority."""
        extra = [("user-agent", "x"), ("content-type", "application/json"), ("x-anything", "1")]
        self.assertEqual(self.told(headers=extra), (200, ""))
        stream = self.peer.h2.get_next_available_stream_id()
        fields = [(":method", "POST"), (":scheme", "https"), (":path", PATH), ("host", "localhost")]
        self.peer.h2.send_headers(stream, fields)
        self.peer.h2.send_data(stream, PAYLOAD, end_stream=True)
        self.peer.answers[stream] = self.peer.answers[1]
        self.peer.send()
        self.turn()
        self.assertEqual(len(self.accepted()), 2)

    def test_a_scheme_with_a_colon(self):
        """Some programs for Node.js say `https:`; what else they send is as good."""
        for count in (1, 2):
            stream = self.peer.h2.get_next_available_stream_id()
            fields = [
                (":method", "POST"),
                (":scheme", "https:"),
                (":authority", "localhost"),
                (":path", PATH),
            ]
            self.peer.h2.send_headers(stream, [*fields, ("apns-id", APNS_ID)])
            self.peer.h2.send_data(stream, PAYLOAD, end_stream=True)
            answer = self.peer.answers[stream] = Answer()
            self.peer.send()
            self.turn()
            self.assertEqual((answer.told, answer.headers["apns-id"]), ((200, ""), APNS_ID), count)

    def test_the_terms(self):
        """All that the headers say becomes a term of the notification."""
        self.ask(
            apns_priority="5",
            apns_push_type="voip",
            apns_expiration=str(10**12),
            apns_collapse_id="again",
            apns_topic="com.example.news.voip",
        )
        [submission] = self.gateway.submissions
        terms = submission.terms
        self.assertEqual(
            (terms.priority, terms.push_type, terms.expiration, terms.collapse_id, terms.topic),
            (Priority.BULK, "voip", 2**32 - 1, "again", "com.example.news.voip"),
        )

    def test_a_body_in_pieces(self):
        """A body may come in any pieces, and after Expect: 100-continue."""
        stream = self.peer.request(body=PAYLOAD[:5], end=False, expect="100-continue")
        self.peer.h2.send_data(stream, PAYLOAD[5:], end_stream=True)
        self.peer.send()
        self.turn()
        self.assertEqual(self.peer.answers[stream].told, (200, ""))
        self.assertEqual(self.gateway.submissions[0].payload, PAYLOAD)

    def test_an_endless_body(self):
        """It is answered before it ends, and the rest is not kept."""
        self.peer.connection.transport.clear()
        stream = self.peer.request(body=b"a" * 16000, end=False)
        for _ in range(6):
            self.turn()
            if self.peer.answers[stream].complete:
                break
            self.peer.h2.send_data(stream, b"a" * 16000)
            self.peer.send()
        self.assertEqual(self.peer.answers[stream].told, (413, "PayloadTooLarge"))
        self.assertEqual(self.server._body_bytes, 0)

    def test_requests_of_one_turn_go_together(self):
        """One submission for all that share their terms; each gets the answer of its own."""
        streams = [self.peer.request(f"/3/device/{token(number).hex()}") for number in range(5)]
        other = self.peer.request(apns_priority="5")
        self.turn()
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [5, 1])
        ids = [self.peer.answers[stream].headers["apns-id"][-4:] for stream in streams]
        self.assertEqual(ids, ["0000", "0001", "0002", "0003", "0004"])
        self.assertEqual(self.peer.answers[other].told, (200, ""))

    def test_requests_on_many_terms(self):
        """Some of them are submitted in a turn of the reactor, and the others when the gateway has these."""
        self.gateway.holding = True
        streams = [self.peer.request(apns_collapse_id=str(number)) for number in range(60)]
        self.turn()
        self.assertEqual(len(self.gateway.submissions), 50)
        self.gateway.holding = False
        self.gateway.release()
        self.turn()
        self.assertEqual({self.peer.answers[stream].told for stream in streams}, {(200, "")})

    def test_terms_are_not_remembered_for_ever(self):
        """A client may bring new ones with each request."""
        for number in range(1010):
            self.ask(apns_collapse_id=str(number))
        self.assertLess(len(self.server._routing._terms), 1000)

    def test_as_many_as_a_batch_may_have(self):
        """They go at once."""
        self.patch(pushes, "MAX_BATCH", 3)
        for number in range(4):
            self.peer.request(f"/3/device/{token(number).hex()}")
        self.turn()
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [3, 1])

    def test_one_of_several_is_refused(self):
        """The others are accepted."""
        streams = [self.peer.request(body=body) for body in (PAYLOAD, b"no json", PAYLOAD)]
        self.turn()
        told = [self.peer.answers[stream].told for stream in streams]
        self.assertEqual(told, [(200, ""), (400, "PayloadEmpty"), (200, "")])

    def test_a_bug_is_500(self):
        """The log has the reason."""
        self.gateway.error = ValueError("a bug")
        self.assertEqual(self.told(), (500, "InternalServerError"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.gateway.error = Internal()
        self.assertEqual(self.told(), (500, "InternalServerError"))
        self.flushLoggedErrors(Internal)


class TopicTests(PushInputTestCase):
    options: ClassVar[dict[str, object]] = {
        "topics": {"com.example.news": "news", "com.example.mail": "mail"},
        "answer": "accepted",
    }

    def test_the_topic_selects_the_app(self):
        """With or without the suffix of a push type."""
        for topic in ("com.example.news", "com.example.mail.voip", "com.example.news.push-type.liveactivity"):
            self.assertEqual(self.told(apns_topic=topic), (200, ""))
        self.assertEqual([each.app for each in self.gateway.submissions], ["news", "mail", "news"])

    def test_other_topics(self):
        """One that is not in the table is not allowed, and none is missing."""
        for topic in ("com.example.other", "com.example.other.voip"):
            self.assertEqual(self.told(apns_topic=topic), (400, "TopicDisallowed"))
        self.assertEqual(self.told(), (400, "MissingTopic"))

    def test_an_app_for_all_others(self):
        """What the table does not have, and what has no topic, goes to the one app."""
        self.make(app="mail")
        for topic in ({"apns_topic": "com.example.news"}, {"apns_topic": "com.example.other"}, {}):
            self.assertEqual(self.told(**topic), (200, ""))
        self.assertEqual([each.app for each in self.gateway.submissions], ["news", "mail", "mail"])

    def test_neither(self):
        """One of them is needed."""
        with self.assertRaisesRegex(ValueError, "one of app and topics is required"):
            ApnsHTTP2InputTable(type="apns-http2")

    def test_an_app_that_is_gone(self):
        """A reload may have taken it away."""
        self.gateway.apps = ("mail",)
        self.assertEqual(self.told(apns_topic="com.example.news"), (400, "TopicDisallowed"))


class ConnectionTests(PushInputTestCase):
    def test_a_thousand_streams(self):
        """So many may be under way, as at Apple."""
        self.peer.send()
        self.turn()
        self.assertEqual(self.peer.h2.remote_settings.max_concurrent_streams, 1000)

    def test_http1_is_told_what_is_needed(self):
        """The answer says so, in JSON, and ends the connection; also to what is no HTTP."""
        for data in (
            b"POST /3/device/ab HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
            b"what\r\n\r\n",
        ):
            connection = self.server.buildProtocol(None)
            connection.makeConnection(Transport())
            connection.dataReceived(data)
            head, _, body = connection.transport.value().partition(b"\r\n\r\n")
            self.assertIn(b"HTTP/1.1 505", head)
            self.assertEqual(json.loads(body), {"reason": "HTTP2Required"})
            self.assertTrue(connection.transport.disconnecting)

    def test_a_body_that_is_too_slow(self):
        """It is answered, not awaited for ever."""
        stream = self.peer.request(end=False)
        self.pass_time(32)
        self.assertEqual(self.peer.answers[stream].told, (400, "IdleTimeout"))

    def test_an_idle_connection(self):
        """It is closed with a reason after an hour, not before."""
        self.ask()
        self.pass_time(3590)
        self.assertIsNone(self.peer.goaway)
        self.pass_time(20)
        self.assertEqual(self.peer.goaway.additional_data, b'{"reason":"IdleTimeout"}')

    def test_a_client_that_never_opens_its_window_again(self):
        """Its connection is closed before its answers get stuck, and after the last one; one that does goes on."""
        good = self.connect()
        self.peer.acknowledges = False
        for _ in range(2500):
            self.assertEqual(self.ask("/3/device/xyz", peer=good).told, (400, "BadDeviceToken"))
            if not self.peer.connection.transport.disconnecting:
                self.assertEqual(self.told("/3/device/xyz"), (400, "BadDeviceToken"))
        self.assertTrue(self.peer.connection.transport.disconnecting)
        self.assertIsNone(self.peer.goaway)
        self.assertFalse(good.connection.transport.disconnecting)

    def test_a_window_that_is_shut_with_requests_under_way(self):
        """They are answered before the connection is closed, and no more are read."""
        self.peer.acknowledges = False
        self.gateway.holding = True
        waiting = self.peer.request()
        for _ in range(2500):
            if self.peer.connection.transport.producerState == "producing":
                self.ask("/3/device/xyz")
        self.assertFalse(self.peer.connection.transport.disconnecting)
        self.assertEqual(self.peer.connection.transport.producerState, "paused")
        self.gateway.release()
        self.turn()
        self.assertEqual(self.peer.answers[waiting].told, (200, ""))
        self.assertTrue(self.peer.connection.transport.disconnecting)

    def test_bodies_have_a_bound(self):
        """What would not fit is given up, without a word that made a client hurry."""
        self.server._body_bytes = 64 << 20
        stream = self.peer.request(end=False)
        self.turn()
        self.assertTrue(self.peer.answers[stream].reset)
        self.assertIsNone(self.peer.answers[stream].told)
        self.server._body_bytes = 0

    def test_more_connections_than_may_be(self):
        """They are closed at once."""
        self.make(max_connections=1)
        self.assertIsNone(self.server.buildProtocol(None))


class ShutdownTests(PushInputTestCase):
    def test_a_gateway_that_shuts_down(self):
        """503 Shutdown; GOAWAY says it to every client, and the port is left."""
        other = self.connect()
        other.read()
        self.ask(), self.ask(peer=other)
        self.gateway.error = ShuttingDown()
        self.assertEqual(self.told(), (503, "Shutdown"))
        other.read()
        for peer in (self.peer, other):
            self.assertEqual(peer.goaway.additional_data, b'{"reason":"Shutdown"}')
        self.assertEqual(self.left, 1)
        self.assertTrue(other.connection.transport.disconnecting)
        self.assertIsNone(self.server.buildProtocol(None))

    def test_what_is_submitted_as_it_shuts_down(self):
        """The refusal of the gateway is said in the same words."""
        stream = self.peer.request()
        self.gateway.error = ShuttingDown()
        self.turn()
        self.assertEqual(self.peer.answers[stream].told, (503, "Shutdown"))

    def test_a_connection_that_has_said_nothing(self):
        """It is closed."""
        connection = self.server.buildProtocol(None)
        connection.makeConnection(Transport())
        self.server.shut()
        self.assertTrue(connection.transport.disconnecting)
        connection.shut()

    def test_stopping(self):
        """What waits is answered before the input ends, at once when no outcome can come any more."""
        self.gateway.holding = True
        stream = self.peer.request()
        self.turn()
        self.gateway.error = ShuttingDown()
        stopping = Deferred.fromCoroutine(self.server.stop())
        self.turn()
        self.assertEqual(self.peer.answers[stream].told, (503, "Shutdown"))
        self.lose()
        self.successResultOf(stopping)


class OverloadTests(PushInputTestCase):
    def test_no_room(self):
        """Nothing is answered until there is room; then all is taken, in the order in which it came."""
        self.gateway.error = Overloaded("queue of news", 10, 10)
        streams = [self.peer.request(f"/3/device/{token(1).hex()}")]
        self.turn()
        streams += [self.peer.request(f"/3/device/{token(2).hex()}")]
        self.turn()
        streams += [self.peer.request(f"/3/device/{token(3).hex()}", apns_priority="5")]
        self.pass_time(20)
        self.assertEqual([self.peer.answers[stream].told for stream in streams], [None] * 3)
        self.gateway.error = None
        self.pass_time(1)
        self.turn()
        self.assertEqual([self.peer.answers[stream].told for stream in streams], [(200, "")] * 3)
        self.assertEqual(self.accepted(), [token(1), token(2), token(3)])

    def test_what_is_not_wanted_any_more(self):
        """A request that its client gave up is not submitted when there is room."""
        self.gateway.error = Overloaded("queue of news", 10, 10)
        first = self.peer.request(f"/3/device/{token(1).hex()}")
        second = self.peer.request(f"/3/device/{token(2).hex()}")
        self.turn()
        self.peer.h2.reset_stream(first, 8)
        self.peer.send()
        self.gateway.error = None
        self.pass_time(1)
        self.assertEqual(self.accepted(), [token(2)])
        self.assertEqual(self.peer.answers[second].told, (200, ""))

    def test_nobody_wants_them(self):
        """A group of which nothing is left is dropped, and the next one is submitted."""
        self.gateway.error = Overloaded("queue of news", 10, 10)
        first = self.peer.request(f"/3/device/{token(1).hex()}")
        self.turn()
        self.peer.request(f"/3/device/{token(2).hex()}")
        self.turn()
        self.peer.h2.reset_stream(first, 8)
        self.peer.send()
        self.gateway.error = None
        self.pass_time(1)
        self.assertEqual(self.accepted(), [token(2)])

    def test_a_nearly_full_queue_pauses_the_connection(self):
        """It is not read, as at every input."""
        self.gateway.full.add("news")
        self.ask()
        self.assertEqual(self.peer.connection.transport.producerState, "paused")
        self.gateway.relieve("news")
        self.assertEqual(self.peer.connection.transport.producerState, "producing")

    def test_more_requests_than_may_wait(self):
        """No connection is read any more, new ones too, until a fifth of them have their answer."""
        self.make(max_waiting=5)
        other = self.connect()
        other.read()
        self.gateway.holding = True
        for number in range(5):
            self.peer.request(f"/3/device/{token(number).hex()}")
        self.turn()
        third = self.connect()
        states = [peer.connection.transport.producerState for peer in (self.peer, other, third)]
        self.assertEqual(states, ["paused"] * 3)
        self.gateway.release()
        self.turn()
        states = [peer.connection.transport.producerState for peer in (self.peer, other, third)]
        self.assertEqual(states, ["producing"] * 3)
        self.assertEqual(self.counted("pushgate_pauses_total")["", "apple"], 1)
        self.assertEqual(self.server._waiting, 0)

    def test_requests_are_collected_while_the_gateway_is_busy(self):
        """The more submissions have no receipt, the larger the next one is."""
        self.gateway.holding = True
        for number in range(10):
            self.peer.request(f"/3/device/{token(number).hex()}")
            self.turn()
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [1, 1, 1, 1])
        self.gateway.holding = False
        self.gateway.release()
        self.turn()
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [1, 1, 1, 1, 6])
        self.assertEqual({answer.told for answer in self.peer.answers.values()}, {(200, "")})

    def test_a_client_that_leaves(self):
        """Its requests cost nothing more."""
        self.gateway.holding = True
        self.peer.request()
        self.turn()
        self.lose()
        self.assertEqual(self.server._waiting, 0)
        self.gateway.release()
        self.assertEqual(self.server.pushes._following, set())
