"""Connecting to a host many times in a moment."""

from typing import Any

from twisted.internet import error
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pushgate.net.burst_endpoint import BURST, BurstEndpoint


@implementer(IStreamClientEndpoint)
class ByName:
    """Stands for the endpoint that resolves the name."""

    def __init__(self, host: str) -> None:
        self.host, self.calls = host, 0
        self.failing = False

    def connect(self, protocol_factory: Any) -> Deferred[Any]:
        self.calls += 1
        if self.failing:
            return fail(DNSLookupError())
        address = (IPv6Address if ":" in self.host else IPv4Address)("TCP", self.host, 7)
        protocol = protocol_factory.buildProtocol(address)
        protocol.makeConnection(StringTransport(peerAddress=address))
        return succeed(protocol)


class BurstTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.start("192.0.2.1")

    def start(self, host: str) -> None:
        """An endpoint for a name with this address, that has connected once."""
        self.by_name = ByName(host)
        self.endpoint = BurstEndpoint(self.reactor, self.by_name, 7)
        self.successResultOf(self.connect())

    def connect(self) -> "Deferred[Any]":
        return self.endpoint.connect(Factory.forProtocol(Protocol))

    def test_interface(self) -> None:
        """It is an endpoint, and what it stands on in these tests is one."""
        verifyObject(IStreamClientEndpoint, self.endpoint)
        verifyObject(IStreamClientEndpoint, self.by_name)

    def test_soon_again(self) -> None:
        """The address that answered is used, whichever kind it is."""
        for host in ("192.0.2.1", "2001:db8::1"):
            self.start(host)
            self.connect()
            self.assertEqual(self.reactor.tcpClients.pop()[:2], (host, 7))
            self.assertEqual(self.by_name.calls, 1)

    def test_later(self) -> None:
        """The name is resolved anew, however many connections were made meanwhile."""
        for _ in range(10):
            self.reactor.advance(BURST / 10)
            self.connect()
        self.assertEqual(self.by_name.calls, 2)

    def test_it_does_not_answer_any_more(self) -> None:
        """The name is resolved within the same attempt, and from then on its new address is used."""
        self.by_name.host = "192.0.2.2"
        connecting = self.connect()
        host, _, factory, *_ = self.reactor.tcpClients.pop()
        factory.clientConnectionFailed(None, Failure(error.ConnectionRefusedError()))
        self.assertIsInstance(self.successResultOf(connecting), Protocol)
        self.connect()
        self.assertEqual((host, self.reactor.tcpClients.pop()[0]), ("192.0.2.1", "192.0.2.2"))

    def test_nothing_answers(self) -> None:
        """The attempt fails as the name does."""
        self.by_name.failing = True
        connecting = self.connect()
        self.reactor.tcpClients.pop()[2].clientConnectionFailed(None, Failure(error.ConnectionRefusedError()))
        self.failureResultOf(connecting, DNSLookupError)

    def test_cancelled(self) -> None:
        """The attempt is given up, and no other is made."""
        connecting = self.connect()
        connecting.cancel()
        self.failureResultOf(connecting, CancelledError, ConnectingCancelledError)
        self.assertEqual(self.by_name.calls, 1)
