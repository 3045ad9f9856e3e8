"""Connecting to where others say: which addresses are public, and what is connected to."""

import ipaddress
from typing import Any

import pytest
from twisted.internet import error as errors
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate.net.address_policy import kind_of_private
from pushgate.net.connecting import Once
from pushgate.net.guarded_endpoint import AddressRefused, GuardedEndpoint, GuardedEndpoints
from tests.resolver import Resolver

PRIVATE = (
    "127.0.0.1 127.9.9.9 ::1 0.0.0.0 :: 10.1.2.3 172.16.0.1 192.168.0.1 169.254.169.254 fe80::1 fe80::1%eth0"
    " fc00::1 100.64.0.1 224.0.0.1 ff02::1 255.255.255.255 240.0.0.1 192.0.2.1 ::ffff:10.0.0.1"
    " 64:ff9b::7f00:1 2002:7f00:1:: 198.18.0.1 2001:db8::1 fec0::1"
)


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_of_this_machine_and_its_networks(address):
    """They are recognised, also inside an IPv6 address."""
    assert kind_of_private(address).startswith("a")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address):
    """They are of no such kind."""
    assert kind_of_private(address) == ""
    assert ipaddress.ip_address(address)


class GuardedEndpointTests(SynchronousTestCase):
    def connect(
        self, *answers: list[str], private: bool = False, public: bool = True
    ) -> tuple[MemoryReactorClock, Deferred[Any]]:
        """An attempt to connect to a name with these addresses."""
        self.network, self.resolver = MemoryReactorClock(), Resolver(*answers)
        self.network.installNameResolver(self.resolver)
        self.endpoint = GuardedEndpoint(self.network, "x.example", 443, private, public, 6.0)
        return self.network, self.endpoint.connect(Once(Protocol()))

    def tried(self) -> list[tuple[str, int, float]]:
        """Addresses that were tried, with the seconds each had."""
        return [(host, port, seconds) for host, port, _, seconds, _ in self.network.tcpClients]

    def turn_down(self, error: Exception) -> None:
        """The last attempt fails."""
        factory = self.network.tcpClients[-1][2]
        factory.clientConnectionFailed(None, Failure(error))

    def test_interface(self) -> None:
        """It is an endpoint."""
        self.connect(["8.8.8.8"])
        verifyObject(IStreamClientEndpoint, self.endpoint)

    def test_private_addresses(self) -> None:
        """Without leave nothing is tried, and the error says why."""
        for address in PRIVATE.split():
            _, attempt = self.connect([address])
            error = self.failureResultOf(attempt, AddressRefused).value
            self.assertRegex(
                str(error),
                rf"^x\.example is at {address}: an? [a-z-]+ address, and only public ones are allowed$",
            )
            self.assertEqual(self.tried(), [])

    def test_public_addresses(self) -> None:
        """Nor are they tried where only private ones may be."""
        _, attempt = self.connect(["8.8.8.8"], private=True, public=False)
        error = self.failureResultOf(attempt, AddressRefused).value
        self.assertEqual(
            str(error), "x.example is at 8.8.8.8: a public address, and only private ones are allowed"
        )
        self.assertEqual(self.tried(), [])

    def test_what_was_looked_at_is_connected_to(self) -> None:
        """A name that is public at the first look and private at the second is looked up once."""
        self.connect(["8.8.8.8"], ["127.0.0.1"])
        self.assertEqual((self.resolver.asked, self.tried()), (1, [("8.8.8.8", 443, 6.0)]))

    def test_a_name_that_changes(self) -> None:
        """Each connection looks again, so that a name which turns private later is refused."""
        self.connect(["8.8.8.8"], ["127.0.0.1", "192.168.1.1"], [])
        error = self.failureResultOf(self.endpoint.connect(Once(Protocol())), AddressRefused).value
        self.assertIn("127.0.0.1: a loopback address", str(error))
        self.failureResultOf(self.endpoint.connect(Once(Protocol())), DNSLookupError)
        self.assertEqual(len(self.tried()), 1)

    def test_one_of_several(self) -> None:
        """Of several addresses those that are allowed are tried one after the other, each its share of time."""
        _, attempt = self.connect(["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111", "8.8.4.4"])
        self.assertEqual(self.tried(), [("8.8.8.8", 443, 2.0)])
        self.turn_down(errors.ConnectionRefusedError())
        self.turn_down(ConnectError())
        self.assertEqual([host for host, _, _ in self.tried()], ["8.8.8.8", "2606:4700::1111", "8.8.4.4"])
        self.assertNoResult(attempt)
        self.turn_down(errors.ConnectionRefusedError("the last one's"))
        self.assertIn(
            "the last one's", str(self.failureResultOf(attempt, errors.ConnectionRefusedError).value)
        )

    def test_stopped_while_connecting(self) -> None:
        """No other address is tried then."""
        _, attempt = self.connect(["8.8.8.8", "8.8.4.4"])
        attempt.cancel()
        self.failureResultOf(attempt, ConnectingCancelledError)
        self.assertEqual(len(self.tried()), 1)

    def test_endpoints_of_an_http_client(self) -> None:
        """TLS to public addresses, plain text to none; to private ones with leave, both ways."""
        trust = trustRootFromCertificates(list[Certificate]())
        for private, secure, address, is_tried in (
            (False, True, "8.8.8.8", True),
            (False, True, "10.0.0.1", False),
            (True, True, "10.0.0.1", True),
            (True, False, "10.0.0.1", True),
            (True, False, "8.8.8.8", False),
        ):
            network = MemoryReactorClock()
            network.installNameResolver(Resolver([address]))
            endpoint = GuardedEndpoints(network, private, trust, 6.0).endpoint("x.example", 443, secure)
            attempt = endpoint.connect(Once(Protocol()))
            self.assertEqual(len(network.tcpClients), int(is_tried), (private, secure, address))
            attempt.addErrback(lambda failure: failure.trap(AddressRefused))
