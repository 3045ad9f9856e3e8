"""Names and addresses, where the network is not needed to see what is said of them."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import NoRouteError
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.diagnosis.names import look_up
from pushgate.net.diagnosis.tcp import touch
from pushgate.plugin.examination import Examination
from pushgate.testing import context
from tests.doctor_rig import amiss


class ReachTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.examination = Examination(context=context(self.reactor))

    def test_an_address_in_place_of_a_name(self) -> None:
        """Services move: an address is a warning, but one of a network of your own."""
        for host, expected in (("17.0.0.1", {"address-pinned"}), ("127.0.0.1", set()), ("::1", set())):
            looking = Deferred.fromCoroutine(look_up(host, 443, self.examination))
            findings, addresses = self.successResultOf(looking)
            self.assertEqual(amiss(findings), expected)
            self.assertEqual([each.host for each in addresses], [host])

    def touched(self, *results: Any) -> frozenset[str]:
        """The checks of a name with such addresses: what their connections end with, None if they are made."""
        addresses: list[Any] = [
            IPv6Address("TCP", f"::{number}", 443) if is_ipv6 else IPv4Address("TCP", f"10.0.0.{number}", 443)
            for number, (is_ipv6, _) in enumerate(results, 1)
        ]
        touching = Deferred.fromCoroutine(touch("host", addresses, self.examination))
        for (_, _, factory, *_), (_, error) in zip(self.reactor.tcpClients, results, strict=True):
            if error is None:
                factory.buildProtocol(None).makeConnection(Silent())
            else:
                factory.clientConnectionFailed(None, Failure(error))
        findings, is_there = self.successResultOf(touching)
        self.assertEqual(is_there, any(error is None for _, error in results))
        return amiss(findings)

    def test_no_route(self) -> None:
        """Without a route it is the network of this machine, not a firewall."""
        self.assertEqual(self.touched((False, NoRouteError())), {"tcp-unreachable"})

    def test_only_ipv6_fails(self) -> None:
        """Where there is no IPv6 its addresses do not accept, and that is no trouble."""
        self.assertEqual(self.touched((False, None), (True, NoRouteError())), set())


class Silent:
    """A transport that is closed at once."""

    def abortConnection(self) -> None:
        """See ITCPTransport."""
