"""Reading the feedback service: how much at a time, and how long without data."""

from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.metrics import Metrics
from pushgate.plugin.context import Context
from pushgate.protocols.apns_binary.feedback import FeedbackTuple, encode
from pushgate.testing import RecordingQueue
from pushgate.upstreams.apns_binary import feedback_poll
from pushgate.upstreams.apns_binary.feedback_poll import IDLE_TIMEOUT, FeedbackPoll, FeedbackReader
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from tests.unconnected import UnconnectedEndpoint


class Work:
    """Takes deaths, which are safe when a test says so."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.waiting: list[Deferred[None]] = []

    def tokens_died(self, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        self.calls.append([death.token for death in deaths])
        self.waiting.append(Deferred())
        return self.waiting[-1]


class ReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.work, self.transport = Clock(), Work(), StringTransport()
        self.reader = FeedbackReader(self.work, self.clock)  # type: ignore[arg-type]  # all that it calls
        self.reader.makeConnection(self.transport)

    def receive(self, *tokens: bytes) -> None:
        self.reader.dataReceived(b"".join(encode(FeedbackTuple(5, token)) for token in tokens))

    def lose(self) -> None:
        self.reader.connectionLost(Failure(ConnectionDone()))

    def test_one_call_for_what_comes_at_a_time(self) -> None:
        """A commit is for all of a chunk; a piece of an entry waits for its rest."""
        stream = b"".join(encode(FeedbackTuple(5, token)) for token in (b"a", b"bb", b"ccc"))
        for piece in (stream[:17], stream[17:18], stream[18:]):
            self.reader.dataReceived(piece)
        self.assertEqual(self.work.calls, [[b"a", b"bb"], [b"ccc"]])

    def test_it_is_finished_when_all_is_safe(self) -> None:
        """Not before, whatever the connection does."""
        self.receive(b"a")
        self.receive(b"b")
        self.reader.dataReceived(b"cut")
        self.lose()
        self.work.waiting[1].callback(None)
        self.assertNoResult(self.reader.finished)
        self.work.waiting[0].callback(None)
        self.assertEqual(self.successResultOf(self.reader.finished), 3)
        self.assertEqual(self.reader.read, 2)

    def test_it_reads_no_more_than_can_be_kept(self) -> None:
        """When too much waits for the spool it stops reading, for as long as that takes, and then reads on."""
        self.patch(feedback_poll, "UNSAFE", 2)
        self.receive(b"a", b"b")
        self.assertEqual(self.transport.producerState, "producing")
        self.receive(b"c")
        self.assertEqual(self.transport.producerState, "paused")
        self.clock.advance(10 * IDLE_TIMEOUT)
        self.assertFalse(self.transport.disconnected)
        self.work.waiting[0].callback(None)
        self.assertEqual(self.transport.producerState, "producing")
        self.clock.advance(IDLE_TIMEOUT)
        self.assertTrue(self.transport.disconnected)

    def test_silence(self) -> None:
        """A service that sends nothing for too long is left; each piece gives it time."""
        for _ in range(3):
            self.clock.advance(IDLE_TIMEOUT - 1)
            self.receive(b"a")
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(IDLE_TIMEOUT)
        self.assertTrue(self.transport.disconnected)

    def test_lost(self) -> None:
        """A connection that breaks fails, and leaves no timer behind."""
        self.reader.connectionLost(Failure(SSL.Error([("", "", "sslv3 alert certificate expired")])))
        self.failureResultOf(self.reader.finished, SSL.Error)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_failing_report(self) -> None:
        """It is logged, and the reading goes on."""
        self.receive(b"a")
        self.work.waiting[0].errback(ZeroDivisionError())
        self.lose()
        self.assertEqual(self.successResultOf(self.reader.finished), 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class PollTests(SynchronousTestCase):
    def test_stopped_while_it_connects(self) -> None:
        """That is no failure of the service: nothing is logged, and nothing is tried again."""
        clock, endpoint = Clock(), UnconnectedEndpoint()
        self.patch(feedback_poll, "endpoint", lambda *_: endpoint)
        context = Context(reactor=clock, wall=float, jitter=float, metrics=Metrics())
        table: Any = ApnsStreamTable.model_construct(feedback_host="localhost", feedback_port=2196)
        nothing: Any = None
        poll = FeedbackPoll("news", table, nothing, RecordingQueue(), context, lambda: False)
        poll.start()
        with capturedLogs() as events:
            poll.stop()
            clock.advance(7200)
        self.assertEqual((endpoint.attempts, [each["log_format"] for each in events]), (1, []))
