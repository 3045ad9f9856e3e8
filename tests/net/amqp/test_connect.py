"""A connection to a broker, byte by byte: what a real one cannot be made to do on time."""

from typing import Any

from pika import ConnectionParameters
from pika.exceptions import AMQPHeartbeatTimeout
from pika.frame import Heartbeat, Method
from pika.spec import Connection as Said
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.amqp.connect import LINGER, AmqpConnection

HEARTBEAT = 10
PERIOD = HEARTBEAT + 5


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.connection = AmqpConnection(ConnectionParameters(heartbeat=HEARTBEAT), self.clock)
        self.transport = StringTransport()
        self.connection.makeConnection(self.transport)
        start = Said.Start(server_properties={}, mechanisms="PLAIN", locales="en_US")
        for each in (start, Said.Tune(0, 131072, HEARTBEAT), Said.OpenOk("")):
            self.say(each)
        self.assertTrue(self.connection.is_open)

    def say(self, method: Any) -> None:
        self.connection.dataReceived(Method(0, method).marshal())

    def test_a_broker_that_falls_silent(self) -> None:
        """It is checked each `heartbeat` and five seconds; when nothing came between two checks it is closed,
        by force in the end: it would not answer a goodbye."""
        self.clock.advance(PERIOD)  # something came: the answers at the beginning
        self.assertFalse(self.transport.disconnecting)
        self.connection.dataReceived(Heartbeat().marshal())
        self.clock.advance(PERIOD)
        self.clock.advance(PERIOD - 0.1)
        self.assertFalse(self.transport.disconnecting)
        self.clock.advance(0.1)
        self.assertTrue(self.transport.disconnecting)
        self.assertFalse(self.transport.disconnected)
        self.clock.advance(LINGER)
        self.assertTrue(self.transport.disconnected)
        self.assertIsInstance(self.connection._impl._error, AMQPHeartbeatTimeout)
        self.assertEqual(self.clock.getDelayedCalls(), [])
