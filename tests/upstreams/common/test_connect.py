"""Connecting to a push service behind which nothing answers."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.connect import TIMEOUT, connect
from pushgate.upstreams.common.failure_causes import of_attempt
from tests.unconnected import UnconnectedEndpoint


class Connection(Protocol):
    """What `connect` needs of a connection; its handshake never completes."""

    def __init__(self) -> None:
        self.secured: Deferred[None] = Deferred()

    def abort(self) -> None:
        """Nothing was opened."""


class ConnectTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.connecting = connect(Connection(), UnconnectedEndpoint(), self.clock)

    def test_it_takes_too_long(self) -> None:
        """The cause is that it timed out, not that a handshake failed: there was none."""
        self.clock.advance(TIMEOUT)
        self.assertIs(of_attempt(self.failureResultOf(self.connecting)), Cause.TIMED_OUT)

    def test_interface(self) -> None:
        """The endpoint that these tests stand on is one."""
        self.assertTrue(verifyObject(IStreamClientEndpoint, UnconnectedEndpoint()))

    def test_cancelled(self) -> None:
        """It fails as every cancelled Deferred does."""
        self.connecting.cancel()
        self.failureResultOf(self.connecting, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
