"""A client and the real AMP input, joined without a network: the base of the tests of its methods."""

import time
from typing import ClassVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from pushgate.client import Client
from pushgate.client.connection import LINGER
from pushgate.inputs.amp.server import AmpServer, AmpTable
from pushgate.inputs.common.session import Authenticator
from pushgate.model.metrics import Metrics
from pushgate.model.principals import Principals
from pushgate.plugin.context import Context
from pushgate.testing import RecordingGateway
from tests.samples import WITH_CHANNELS


@implementer(IStreamClientEndpoint)
class Wires:
    """An endpoint whose connections lead to a server in the same process, byte by byte, when the test says so.

    :ivar open: as long as it is false, connections are refused.
    """

    def __init__(self, server, clock):
        self.server, self.clock = server, clock
        self.open, self.attempts = True, 0
        self.pumps = []

    def connect(self, protocolFactory):  # noqa: N803 - Twisted's name
        self.attempts += 1
        if not self.open:
            return fail(ConnectError(string="nobody there"))
        client, server = protocolFactory.buildProtocol(None), self.server.buildProtocol(None)
        to_server, to_client = iosim.FakeTransport(client, False), iosim.FakeTransport(server, True)
        connected = Deferred()
        self.pumps.append(iosim.connect(server, to_client, client, to_server, greet=False))
        connected.callback(client)
        return connected

    def flush(self):
        """Carry everything both ways, and let turns end, until nothing moves."""
        for _ in range(400):
            moved = sum(bool(pump.pump()) for pump in self.pumps)
            self.clock.advance(0)
            if not moved:
                return
        raise AssertionError("it never comes to rest")

    def cut(self):
        """Lose the connections, with all that is on its way."""
        pumps, self.pumps = self.pumps, []
        for pump in pumps:
            for transport in (pump.clientIO, pump.serverIO):
                transport.stream.clear()
                transport.disconnecting = True
            pump.flush()


class ClientTestCase(SynchronousTestCase):
    """A client and the real AMP input, joined without a network."""

    options: ClassVar[dict] = {}
    grants: ClassVar[dict] = {}

    def setUp(self):
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail", rules=WITH_CHANNELS)
        self.principals, self.metrics = Principals(self.grants), Metrics()
        context = Context(
            reactor=self.clock,
            wall=time.time,
            jitter=lambda: 0.0,
            metrics=self.metrics,
            principals=self.principals,
        )
        self.authenticator = Authenticator("amp", True, self.gateway, context)
        self.server = AmpServer("amp", AmpTable(type="amp"), self.gateway, context, self.authenticator)
        self.wires = Wires(self.server, self.clock)
        self.client = Client(self.wires, self.clock, jitter=lambda: 1.0, **self.options)
        self.client.start()
        self.addCleanup(self.close)

    def close(self):
        """Nothing is left running."""
        closed = self.client.close()
        self.wires.flush()
        self.clock.advance(LINGER)
        self.wires.flush()
        self.successResultOf(closed)
        self.authenticator.stop()
        self.assertEqual([call for call in self.clock.getDelayedCalls() if call.active()], [])

    def result(self, deferred):
        """What comes of it once everything is carried over."""
        self.wires.flush()
        return self.successResultOf(deferred)

    def failure(self, deferred, *kinds):
        """The error that comes of it."""
        self.wires.flush()
        return self.failureResultOf(deferred, *kinds).value
