"""A small HTTP port in bad company: slow, large, many, deaf."""

import h2.config
import h2.connection
import h2.events
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate.net.http.bounds import HTTPBounds
from pushgate.net.http.connection import PREFACE
from pushgate.net.http.request import HIGH, LINGER
from pushgate.net.http.responses import HTTPResponse
from pushgate.net.http.site import HTTPSite
from tests.http_rig import LAST, chunk, request, responses
from tests.input_rig import Transport

BOUNDS = HTTPBounds(unsent=100_000, all_unsent=1_000_000, control_frames=50)
LONG = b"x" * 50_000


def handle(asked, body):
    """Answers with what it is given, or with much."""
    if asked.head.target == b"/long":
        return HTTPResponse(200, LONG)
    return HTTPResponse(200, body or b"hello", headers=((b"X-Method", asked.head.method),))


class SiteTestCase(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.site = HTTPSite(
            handle, self.clock, max_body=1000, max_connections=2, bounds=BOUNDS, wall=lambda: 0
        )
        self.connection = self.connect()

    def connect(self):
        """A new connection, None when there is no room."""
        connection = self.site.buildProtocol(None)
        if connection is not None:
            connection.makeConnection(Transport())
        return connection

    def taken(self):
        data = self.connection.transport.value()
        self.connection.transport.clear()
        return data

    def send(self, *data):
        """Status and body of each answer that comes back."""
        for each in data:
            self.connection.dataReceived(each)
        found, self.rest = responses(self.taken())
        return [(each.status, each.body) for each in found]

    def pass_time(self, seconds):
        self.clock.pump([1.0] * int(seconds))


class SiteTests(SiteTestCase):
    def test_interfaces(self):
        """The transport relies on them."""
        verifyObject(IHalfCloseableProtocol, self.connection)
        verifyObject(IPushProducer, self.connection)

    def test_requests(self):
        """One after the other on a connection, as long as there is one a minute."""
        for _ in range(5):
            self.assertEqual(self.send(request("GET", "/")), [(200, b"hello")])
            self.pass_time(BOUNDS.idle_timeout - 1)
        self.assertEqual(self.send(request("PUT", "/", b"x" * 1000)), [(200, b"x" * 1000)])
        self.pass_time(BOUNDS.idle_timeout + 1)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_byte_a_second(self):
        """Does not prolong anything."""
        sent = b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 60
        for byte in sent[: int(BOUNDS.header_timeout)]:
            self.assertFalse(self.connection.transport.disconnecting)
            self.send(bytes([byte]))
            self.pass_time(1)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_gigabyte(self):
        """Its head is enough; what comes of it is thrown away for a moment."""
        [(status, body)] = self.send(request("PUT", "/", content_length=1 << 30))
        self.assertEqual((status, b"TOO_LARGE" in body), (413, True))
        self.assertEqual(self.send(b"x" * 100_000, request("GET", "/")), [])
        self.pass_time(LINGER + 1)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_body_without_end(self):
        """Is counted as it comes."""
        self.assertEqual(self.send(request("PUT", "/", transfer_encoding="chunked"), chunk(b"x" * 900)), [])
        [(status, _)] = self.send(chunk(b"x" * 200), chunk(b"x" * 100))
        self.assertEqual(status, 413)

    def test_a_crowd(self):
        """Further ones are closed at once; when one goes, another may come; nothing is left at the end."""
        self.assertIsNotNone(other := self.connect())
        self.assertIsNone(self.connect())
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.assertIsNotNone(third := self.connect())
        self.site.close()
        self.assertTrue(other.transport.disconnecting and third.transport.disconnecting)
        other.connectionLost(Failure(ConnectionDone()))
        third.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_garbage(self):
        """Costs its sender the connection."""
        self.connection.dataReceived(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        self.assertIn(b"400", self.connection.transport.value())
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_head(self):
        """A HEAD is answered as the GET, without the body; the next request is read."""
        self.connection.dataReceived(request("HEAD", "/") + request("GET", "/"))
        data = self.taken()
        first, _, rest = data.partition(b"\r\n\r\n")
        self.assertIn(b"content-length: 5", first)
        self.assertEqual([(each.status, each.body) for each in responses(rest)[0]], [(200, b"hello")])

    def test_a_chunked_request_and_another(self):
        """What follows a body of unknown length is the next request."""
        whole = request("PUT", "/", transfer_encoding="chunked") + chunk(b"ab") + LAST + request("GET", "/")
        self.assertEqual(self.send(whole), [(200, b"ab"), (200, b"hello")])


class FramingTests(SiteTestCase):
    """Requests that two programs may read in two ways are refused, and the connection ends."""

    def test_where_a_body_ends(self):
        """Transfer-Encoding beside Content-Length, other codings, and either where it does not belong."""
        for headers in (
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "Transfer-Encoding: identity\r\nContent-Length: 3\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding:\r\n chunked\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "Content-Length: +3\r\n",
            "Content-Length: 3, 4\r\n",
            "Content-Length: 3, 3\r\n",
            "Content-Length: 3\r\ncontent-length: 3\r\n",
            "Content-Length : 3\r\n",
            "Host: other\r\n",
            "X: a\r\n b\r\n",
            "X: a\nY: b\r\n",
            "X: a\rb\r\n",
            "X: a\0b\r\n",
        ):
            self.site = HTTPSite(handle, self.clock, max_body=1000)
            self.connection = self.connect()
            head = f"POST / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\nabc"
            [(status, body)] = self.send(head.encode())
            self.assertIn(status, {400, 501}, headers)
            self.assertIn(b'"error"', body)
            self.assertTrue(self.connection.transport.disconnecting, headers)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_versions(self):
        """No host in HTTP/1.1, chunks in HTTP/1.0, another version: refused; HTTP/1.0 ends with its answer."""
        for data, expected in (
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            (b"GET / HTTP/1.9\r\nHost: localhost\r\n\r\n", 505),
            (b"GET / HTTP/1.0\r\n\r\n", 200),
            (b"GET http://localhost/ HTTP/1.1\r\nHost: other\r\n\r\n", 400),
        ):
            self.site = HTTPSite(handle, self.clock)
            self.connection = self.connect()
            [(status, _)] = self.send(data)
            self.assertEqual(status, expected, data)
            self.assertTrue(self.connection.transport.disconnecting, data)

    def test_a_target_with_a_host(self):
        """As clients send it to proxies."""
        self.assertEqual(
            self.send(b"GET http://localhost/?a HTTP/1.1\r\nHost: localhost\r\n\r\n"), [(200, b"hello")]
        )

    def test_a_long_head(self):
        """Gets an answer."""
        [(status, _)] = self.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000)
        self.assertEqual(status, 431)
        self.assertTrue(self.connection.transport.disconnecting)


class HalfCloseTests(SiteTestCase):
    def test_what_was_asked_is_answered(self):
        """A peer that sends nothing more (``nc -N``) gets its answers, and then the end."""
        self.connection.dataReceived(request("PUT", "/", b"ab") + request("GET", "/"))
        self.connection.readConnectionLost()
        found, _ = responses(self.taken())
        self.assertEqual([each.body for each in found], [b"ab", b"hello"])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_what_was_not_complete_is_not(self):
        """Half a request is none; so is half a head, and nothing."""
        for data in (request("PUT", "/", b"ab")[:-1], b"GET / HT", b""):
            self.site = HTTPSite(handle, self.clock, max_body=1000)
            self.connection = self.connect()
            self.assertEqual(self.send(data), [])
            self.connection.readConnectionLost()
            self.assertEqual(self.taken(), b"")
            self.assertTrue(self.connection.transport.disconnecting)


class DeafTests(SiteTestCase):
    """Peers that do not read their answers."""

    def test_pipelined_requests(self):
        """Nothing more is read or parsed while the transport is full: one answer is kept, not a thousand."""
        write = self.connection.transport.write

        def full(data):
            write(data)
            self.connection.pauseProducing()

        self.connection.transport.write = full
        self.connection.dataReceived(request("GET", "/long") * 1000)
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.assertLess(len(self.connection.transport.value()), 2 * len(LONG))
        self.assertEqual(self.connection.codec.buffered, 999 * len(request("GET", "/long")))
        self.taken()
        self.connection.resumeProducing()
        self.assertLess(len(self.taken()), 2 * len(LONG))
        self.pass_time(BOUNDS.unread_timeout + 2)
        self.assertTrue(self.connection.transport.aborted)


class HTTP2Tests(SiteTestCase):
    def setUp(self):
        super().setUp()
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        self.client.initiate_connection()

    def exchange(self):
        """Send what the client has; return the events that come of the answer."""
        self.connection.dataReceived(self.client.data_to_send())
        return self.client.receive_data(self.taken())

    def get(self, stream, path="/", method="GET"):
        head = [(":method", method), (":path", path), (":scheme", "http"), (":authority", "localhost")]
        self.client.send_headers(stream, head, end_stream=True)

    def test_prior_knowledge(self):
        """HTTP/2 is known by its first bytes, however they come in pieces; several requests at a time."""
        self.get(1)
        self.get(3, method="HEAD")
        for byte in self.client.data_to_send():
            self.connection.dataReceived(bytes([byte]))
        events = self.client.receive_data(self.taken())
        answers = [
            dict(each.headers)[b":status"] for each in events if isinstance(each, h2.events.ResponseReceived)
        ]
        self.assertEqual(answers, [b"200", b"200"])
        self.assertEqual([e.data for e in events if isinstance(e, h2.events.DataReceived)], [b"hello"])

    def test_half_a_preface(self):
        """Is waited for as long as for a head."""
        self.connection.dataReceived(PREFACE[:10])
        self.pass_time(BOUNDS.header_timeout + 1)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_window_of_nothing(self):
        """The answer waits without work; a window of one byte moves one byte; then the peer is given up."""
        self.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        self.get(1, "/long")
        events = self.exchange()
        self.assertFalse(any(isinstance(each, h2.events.DataReceived) for each in events))
        self.assertEqual(self.site.unsent, len(LONG))
        self.client.increment_flow_control_window(1, stream_id=1)
        [data] = [each for each in self.exchange() if isinstance(each, h2.events.DataReceived)]
        self.assertEqual(data.data, b"x")
        self.assertEqual(self.clock.getDelayedCalls()[0].getTime(), 1.0)  # the sweep, and nothing at once
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.pass_time(BOUNDS.unread_timeout + 3)
        self.assertTrue(self.connection.transport.aborted)
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.site.unsent, 0)

    def test_a_shut_window_and_signs_of_life(self):
        """A peer that takes nothing is given up, however busy it is otherwise."""
        self.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        self.get(1, "/long")
        self.exchange()
        for _ in range(int(BOUNDS.unread_timeout) + 3):
            self.client.ping(b"12345678")
            self.connection.dataReceived(self.client.data_to_send())
            self.pass_time(1)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_slow_body_of_an_answer_that_has_begun(self):
        """Ends its own stream; the others of the connection go on."""

        class Reader:
            def __init__(self, request):
                self.request = request

            def feed(self, data):
                self.request.begin(202, b"text/plain")

            def end(self):
                """It never comes."""

            def close(self):
                """Nothing is kept."""

        find = self.site.find_reader
        self.site.find_reader = lambda asked: Reader(asked) if asked.length is None else find(asked)
        head = [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")]
        self.client.send_headers(1, head)
        self.client.send_data(1, b"x")
        self.exchange()
        self.pass_time(BOUNDS.body_timeout + 2)
        self.assertTrue(any(isinstance(each, h2.events.StreamReset) for each in self.exchange()))
        self.get(3)
        self.assertTrue(any(isinstance(each, h2.events.DataReceived) for each in self.exchange()))

    def test_answers_that_no_caller_reads(self):
        """When those of all connections are too many, the next request is refused, and the text says whose."""
        self.site.unsent = BOUNDS.all_unsent + 1
        [(status, body)] = self.send(request("GET", "/"))
        self.assertEqual(status, 429)
        self.assertIn(b"that no caller has read", body)

    def test_many_answers_that_are_not_read(self):
        """Of those the connection keeps a bounded number; further requests are refused."""
        self.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        for number in range(20):
            self.get(1 + 2 * number, "/long")
        events = self.exchange()
        statuses = [
            dict(each.headers)[b":status"] for each in events if isinstance(each, h2.events.ResponseReceived)
        ]
        self.assertEqual(statuses[:3], [b"200"] * 3)
        self.assertEqual(set(statuses[3:]), {b"429"})
        self.assertLess(self.site.unsent, BOUNDS.unsent + len(LONG) + 20 * 200)

    def test_asked_and_reset(self):
        """Both in one read: nothing goes wrong; a flood of them ends the connection."""
        self.exchange()
        for number in range(5):
            self.get(1 + 2 * number)
            self.client.reset_stream(1 + 2 * number)
        self.exchange()
        self.assertFalse(self.connection.transport.aborted)
        for number in range(5, 100):
            self.get(1 + 2 * number)
            self.client.reset_stream(1 + 2 * number)
        self.connection.dataReceived(self.client.data_to_send())
        self.assertTrue(self.connection.transport.aborted)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_pings(self):
        """A few are answered; a flood ends the connection."""
        self.exchange()
        self.client.ping(b"12345678")
        self.assertTrue(any(isinstance(each, h2.events.PingAckReceived) for each in self.exchange()))
        for _ in range(BOUNDS.control_frames + 1):
            self.client.ping(b"12345678")
        self.connection.dataReceived(self.client.data_to_send())
        self.assertTrue(self.connection.transport.aborted)

    def test_a_slow_reader_gets_all(self):
        """An answer longer than the window comes as the window grows."""
        self.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 5000})
        self.get(1, "/long")
        body, ended = b"", False
        while not ended:
            events = self.exchange()
            self.assertTrue(events, len(body))
            for event in events:
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                    if event.stream_ended is None:
                        self.client.increment_flow_control_window(5000)
                        self.client.increment_flow_control_window(5000, stream_id=1)
                ended = ended or isinstance(event, h2.events.StreamEnded)
        self.assertEqual(body, LONG)
        self.assertLess(HIGH, 1 << 20)
