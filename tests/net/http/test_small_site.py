"""A small HTTP port in bad company: slow, large, many."""

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from pushgate.net.http.small_site import LINGER, REQUEST_TIMEOUT, SmallSite
from tests.http_rig import chunk, request, responses
from tests.input_rig import Transport


class Echo(Resource):
    """Answers with what it is given."""

    isLeaf = True

    def render_GET(self, asked):
        return b"hello"

    def render_PUT(self, asked):
        return asked.content.read()


class SmallSiteTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.site = SmallSite(Echo(), self.clock, max_body=1000, max_connections=2)
        self.connection = self.connect()

    def connect(self):
        """A new connection, None when there is no room."""
        connection = self.site.buildProtocol(None)
        if connection is not None:
            connection.makeConnection(Transport())
        return connection

    def send(self, *data):
        """Status and body of each answer that comes back."""
        for each in data:
            self.connection.dataReceived(each)
        found, _ = responses(self.connection.transport.value())
        self.connection.transport.clear()
        return [(each.status, each.body) for each in found]

    def test_requests(self):
        """One after the other on a connection, as long as there is one a minute."""
        for _ in range(5):
            self.assertEqual(self.send(request("GET", "/")), [(200, b"hello")])
            self.clock.advance(REQUEST_TIMEOUT - 1)
        self.assertEqual(self.send(request("PUT", "/", b"x" * 1000)), [(200, b"x" * 1000)])
        self.clock.advance(REQUEST_TIMEOUT)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_byte_a_second(self):
        """Does not prolong anything."""
        for byte in b"GET / HTTP/1.1\r\nX-Long: " + b"x" * int(REQUEST_TIMEOUT - 24):
            self.assertFalse(self.connection.transport.aborted)
            self.send(bytes([byte]))
            self.clock.advance(1)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_gigabyte(self):
        """Its head is enough; what comes of it is thrown away for a moment."""
        [(status, body)] = self.send(request("PUT", "/", content_length=1 << 30))
        self.assertEqual((status, b"TOO_LARGE" in body), (413, True))
        self.assertEqual(self.send(b"x" * 100_000, request("GET", "/")), [])
        self.clock.advance(LINGER)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_body_without_end(self):
        """Is counted as it comes."""
        self.assertEqual(self.send(request("PUT", "/", transfer_encoding="chunked"), chunk(b"x" * 900)), [])
        [(status, _)] = self.send(chunk(b"x" * 200), chunk(b"x" * 100))
        self.assertEqual(status, 413)

    def test_a_crowd(self):
        """Further ones are closed at once; when one goes, another may come."""
        self.assertIsNotNone(self.connect())
        self.assertIsNone(self.connect())
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.assertIsNotNone(self.connect())
        self.assertEqual(len(self.clock.getDelayedCalls()), 2)
        self.site.close()
        self.assertTrue(all(each.transport.disconnecting for each in self.site.protocols))

    def test_garbage(self):
        """Costs its sender the connection."""
        self.connection.dataReceived(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        self.assertIn(b"400", self.connection.transport.value())
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertEqual(self.flushLoggedErrors(), [])
