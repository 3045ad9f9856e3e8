"""The cause of a failed connection, for operators and in the count."""

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pushgate.net.guarded_endpoint import AddressRefused
from pushgate.net.proxy_endpoint import ProxyRefused
from pushgate.protocols.apns_binary.connection import Stream
from pushgate.upstreams.apns_binary.connection import StreamConnection
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.connect import TIMEOUT, connect
from tests.rig import Rig


class SilentEndpoint:
    """An endpoint whose connection attempts never come to an end."""

    def connect(self, factory: object) -> Deferred[object]:
        return Deferred()


class AttemptTests(SynchronousTestCase):
    def test_no_answer_at_all(self) -> None:
        """An attempt that hears nothing ends as timed-out: the network is at fault, so it is tried again soon."""
        clock = Clock()
        connection = StreamConnection(clock, lambda at: Stream(10, 1.0, at), lambda: None, lambda *_: None)
        attempt = connect(connection, SilentEndpoint(), clock)
        clock.advance(TIMEOUT - 1)
        self.assertNoResult(attempt)
        clock.advance(1)
        failure: Failure = self.failureResultOf(attempt)
        self.assertEqual(failure_causes.of_attempt(failure), Cause.TIMED_OUT)

    def test_an_address_that_is_not_allowed(self) -> None:
        """It is no failed handshake, either: nothing was tried."""
        failure = Failure(AddressRefused("push.example.org is at 10.0.0.1: a private address"))
        self.assertEqual(failure_causes.of_attempt(failure), Cause.ADDRESS_NOT_ALLOWED)

    def test_a_proxy(self) -> None:
        """That it opens no way is no failed handshake, of which five in a row would be taken for a block."""
        failure = Failure(ProxyRefused("the proxy answers CONNECT with 502"))
        self.assertEqual(failure_causes.of_attempt(failure), Cause.NETWORK)
        self.assertEqual(failure_causes.text(failure), "the proxy answers CONNECT with 502")

    def test_texts(self) -> None:
        """A text says what happened in one line, without control characters: some of it is the peer's."""
        texts = {
            failure_causes.text(Failure(error))
            for error in (
                defer.TimeoutError(30.0, "Deferred"),
                SSL.Error([("SSL routines", "", "tlsv1 alert \x1b[2J")]),
                SSL.Error(),
                VerificationError(errors=[]),
                ConnectError(string="a\rb\nc"),
            )
        }
        self.assertIn("not connected in time, with name, TCP and TLS", texts)
        self.assertIn(r"TLS: tlsv1 alert \x1b[2J", texts)
        self.assertIn("TLS: error", texts)
        self.assertTrue(all(text.isprintable() for text in texts))


class CountTests(TestCase):
    async def test_attempts_that_fail_are_counted(self) -> None:
        """A connection that could not be made counts as a reconnect with its cause, as one that was lost does."""
        rig = Rig(self.mktemp(), [{"act": "tls-alert", "connection": 1, "alert": 44}])
        await rig.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        while rig.circuit()[1] != Cause.WRONG_ENVIRONMENT:
            await rig.beat()
        counts = rig.context.metrics.counts["pushgate_reconnects_total"]
        self.assertEqual(counts, {("news", "wrong-environment"): 1})
