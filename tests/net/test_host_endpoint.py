"""Connecting to hosts by their names."""

from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.host_endpoint import host_endpoint
from pushgate.testing import MemoryNetwork


class HostTests(SynchronousTestCase):
    def test_an_underscore(self):
        """A name as a compose file gives it to a container is resolved and connected to, like any other."""
        for host in ("push_gw", "push-gw", "127.0.0.1", "gateway.example."):
            network = MemoryNetwork()
            network.listenTCP(7215, Factory.forProtocol(Protocol))
            connecting = host_endpoint(network, host, 7215).connect(Factory.forProtocol(Protocol))
            network.pump([0.1] * 20)
            self.successResultOf(connecting)
