"""A channel that is stopped while it connects: no broker is needed for that."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.metrics import Metrics
from pushgate.net.amqp.channel import AmqpChannel
from pushgate.net.amqp.connect import TIMEOUT, Dialer
from pushgate.net.amqp.settings import BrokerTable
from pushgate.plugin.context import Context
from tests.unconnected import UnconnectedEndpoint


class StopTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.endpoint, self.metrics = Clock(), UnconnectedEndpoint(), Metrics()
        self.patch(Dialer, "_endpoint", lambda *_: self.endpoint)
        context = Context(reactor=self.clock, wall=float, jitter=float, metrics=self.metrics)
        table = BrokerTable(url="amqp://127.0.0.1/")
        self.channel = AmqpChannel("inputs.queue", table, context, lambda _: Deferred(), lambda: None)
        self.channel.start()

    def losses(self) -> int:
        return self.metrics.counts["pushgate_broker_losses_total"].get(("inputs.queue",), 0)

    def test_while_it_connects(self) -> None:
        """It connects no more, and counts no loss: there was no connection."""
        self.successResultOf(Deferred.fromCoroutine(self.channel.stop()))
        self.clock.advance(3600)
        self.assertEqual((self.endpoint.attempts, self.losses()), (1, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_connect_that_takes_too_long(self) -> None:
        """That is a loss, and another attempt follows."""
        self.clock.advance(TIMEOUT)
        self.assertEqual(self.losses(), 1)
        self.clock.advance(3600)
        self.assertGreater(self.endpoint.attempts, 1)
        self.successResultOf(Deferred.fromCoroutine(self.channel.stop()))
