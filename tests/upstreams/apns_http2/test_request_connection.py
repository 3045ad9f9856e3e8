"""A connection for single requests, without a network."""

from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.http.client_codec import (
    Abandoned,
    Answered,
    Broken,
    GoingAway,
    PingAnswered,
    RequestForm,
    StreamLimit,
    Unprocessed,
)
from pushgate.upstreams.common.http_push.request_connection import (
    CLOSE_TIMEOUT,
    IDLE,
    RequestConnection,
    RequestFailed,
)

FORM = RequestForm((), ())


class Codec:
    """Says what a test has it say: `receive` is given events in place of bytes."""

    def __init__(self):
        self.opened, self.cancelled, self.closed, self._written = [], [], False, b""

    def open(self, form, path, unlike, body):
        self.opened.append(path)
        self._written += path
        return 2 * len(self.opened) - 1

    def cancel(self, stream):
        self.cancelled.append(stream)

    def close(self):
        self.closed = True

    def receive(self, data):
        return data

    def output(self):
        written, self._written = self._written, b""
        return written


class Transport(StringTransport):
    negotiatedProtocol = b"h2"

    """A TLS transport as far as it is used."""

    def setTcpNoDelay(self, enabled):
        pass

    def abortConnection(self):
        self.aborted = True

    aborted = False


class RequestConnectionTests(SynchronousTestCase):
    def setUp(self):
        self.clock, self.codec, self.transport = Clock(), Codec(), Transport()
        self.connection = RequestConnection(self.clock, lambda _: self.codec)

    def ready(self, limit=10):
        """Connect it, with a peer that takes so many requests at a time."""
        self.connection.makeConnection(self.transport)
        self.connection.handshakeCompleted()
        self.assertIs(self.successResultOf(self.connection.secured), self.connection)
        self.connection.dataReceived([StreamLimit(limit)])

    def ask(self, path=b"/a"):
        return self.connection.ask(FORM, path, (), b"")

    def failed(self, asked):
        """What is known of a request that has no answer: was it acted on, is it worth another try?"""
        error = self.failureResultOf(asked, RequestFailed).value
        return error.acted, error.again

    def lose(self, reason=None):
        self.connection.connectionLost(Failure(reason or ConnectionDone()))
        self.assertEqual([each for each in self.clock.getDelayedCalls() if each.active()], [])

    def test_requests_wait_for_the_handshake_and_for_room(self):
        """They are written in order, as many as the service takes at a time."""
        asked = [self.ask(b"/%d" % number) for number in range(3)]
        self.assertEqual(self.codec.opened, [])
        self.ready(limit=2)
        self.assertEqual(self.codec.opened, [b"/0", b"/1"])
        self.assertEqual(self.connection.unanswered, 3)
        answer = Answered(1, 200, (), b"x")
        self.connection.dataReceived([answer, PingAnswered()])
        self.assertIs(self.successResultOf(asked[0]), answer)
        self.assertEqual(self.codec.opened, [b"/0", b"/1", b"/2"])
        self.assertEqual(self.transport.value(), b"/0/1/2")
        self.connection.dataReceived([Answered(3, 200, (), b""), Answered(5, 200, (), b""), answer])
        self.assertEqual(self.connection.unanswered, 0)
        self.lose()

    def test_idleness(self):
        """Without requests it is closed, and at once when the other side does not close as well."""
        self.ready()
        self.clock.advance(IDLE)
        self.assertTrue(self.codec.closed and self.transport.disconnecting)
        self.assertFalse(self.connection.usable)
        self.clock.advance(CLOSE_TIMEOUT)
        self.assertTrue(self.transport.aborted)
        self.lose()

    def test_leaving(self):
        """It closes when what was asked is answered."""
        self.ready(limit=1)
        asked = [self.ask(), self.ask()]
        self.connection.leave()
        self.connection.dataReceived([Answered(1, 200, (), b"")])
        self.assertFalse(self.transport.disconnecting)
        self.connection.dataReceived([Answered(3, 200, (), b"")])
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual([self.successResultOf(each).status for each in asked], [200, 200])
        self.lose()

    def test_turned_away(self):
        """What the service has not looked at is worth another try; what it goes on with is answered."""
        self.ready(limit=2)
        asked = [self.ask() for _ in range(3)]
        self.connection.dataReceived([GoingAway(0, b""), Unprocessed(3)])
        self.assertEqual([self.failed(each) for each in asked[1:]], [(False, True)] * 2)
        self.assertFalse(self.connection.usable)
        self.connection.dataReceived([Answered(1, 200, (), b"")])
        self.assertEqual(self.successResultOf(asked[0]).status, 200)
        self.lose()

    def test_an_answer_that_is_broken_off(self):
        """What became of the request is not known."""
        self.ready()
        asked = self.ask()
        self.connection.dataReceived([Abandoned(1, 8)])
        self.assertEqual(self.failed(asked), (True, False))
        self.lose()

    def test_no_answer(self):
        """The request is given up; those that wait go elsewhere."""
        self.ready(limit=1)
        written, waiting, waits_still = self.ask(), self.ask(), self.ask()
        waiting.cancel()
        self.assertEqual(self.failed(waiting), (False, False))
        self.assertEqual(self.failed(waits_still), (False, True))
        written.cancel()
        self.assertEqual(self.failed(written), (True, False))
        self.assertEqual(self.codec.cancelled, [1])
        self.assertTrue(self.transport.disconnecting)
        self.lose()

    def test_a_peer_that_breaks_the_rules(self):
        """The connection ends, and the words say why."""
        self.ready()
        asked = self.ask()
        self.connection.dataReceived([Broken("the server does not speak HTTP/2")])
        self.assertTrue(self.transport.aborted)
        self.lose()
        self.failureResultOf(asked).trap(RequestFailed)
        self.connection.abort()

    def test_words(self):
        """What a failed request says is why its connection ended."""
        self.ready()
        asked = self.ask()
        self.connection.dataReceived([Broken("a frame cannot be understood")])
        self.lose()
        self.assertEqual(self.failureResultOf(asked).getErrorMessage(), "a frame cannot be understood")

    def test_a_loss(self):
        """What was written may have been acted on; what waited was not."""
        self.ready(limit=1)
        asked = [self.ask(), self.ask()]
        self.lose()
        self.assertEqual([self.failed(each) for each in asked], [(True, False), (False, False)])

    def test_no_connection(self):
        """Nothing was acted on."""
        asked = self.ask()
        self.connection.abort()  # there is nothing to close
        self.connection.failed(Failure(ConnectError()))
        self.assertEqual(self.failed(asked), (False, False))
        self.assertFalse(self.connection.usable)

    def test_no_handshake(self):
        """The loss of a connection that was never ready is its connector's to see, once."""
        self.connection.makeConnection(self.transport)
        self.lose()
        self.failureResultOf(self.connection.secured, ConnectionDone)
        self.lose()
