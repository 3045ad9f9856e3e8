"""The RabbitMQ sink against a real broker."""

import json
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from pushgate.model.errors import SinkDown
from pushgate.model.outcome import DeadToken, State
from pushgate.plugin.optional_interfaces import IAddressed
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import amqp_sink as factory
from pushgate.sinks.amqp import AmqpSinkTable
from pushgate.testing import RecordingGateway, outcome
from tests.broker_rig import BrokerTestCase, broker_context, eventually
from tests.samples import token


class SinkTests(BrokerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.exchange = f"{self.queue}.outcomes"

    async def sink(self, **table: Any) -> Any:
        """A sink that is connected, to an exchange with a queue that takes everything."""
        config = AmqpSinkTable(type="amqp", url=self.broker.url, exchange=self.exchange, **table)
        sink = factory.sink("events", config, RecordingGateway(), broker_context())
        sink.start()
        self.addCleanup(sink.stop)
        await eventually(lambda: sink._publisher._channel, "the connection")
        with self.broker.channel() as channel:
            channel.queue_declare(self.queue, durable=True)
            channel.queue_bind(self.queue, self.exchange, "#")
        return sink

    async def test_records(self) -> None:
        """Records go persistent to `APP.STATE`, those of one report together, and are then taken."""
        sink = await self.sink()
        verifyObject(IOutcomeSink, sink)
        verifyObject(IAddressed, sink)
        self.assertIn(f"exchange {self.exchange}", sink.addresses()[0])
        dead = DeadToken("news", token(9), 1_699_999_999, 1_700_000_000.0, "apns-stream")
        rejected = outcome(State.REJECTED, app="chat", status=8, reason="InvalidToken")
        await sink.emit([outcome(tokens=[token(1), token(2)]), rejected, dead])
        got = self.taken(self.queue)
        self.assertEqual(
            [method.routing_key for method, _, _ in got],
            ["news.accepted", "chat.rejected", "news.dead-token"],
        )
        records = [[json.loads(line) for line in body.splitlines()] for _, _, body in got]
        self.assertEqual([each["token"] for each in records[0]], [token(1).hex(), token(2).hex()])
        self.assertEqual(records[1][0]["reason"], "InvalidToken")
        properties = got[0][1]
        self.assertEqual((properties.delivery_mode, properties.content_type), (2, "application/x-ndjson"))
        self.assertEqual(properties.headers, {"app": "news", "state": "accepted", "count": 2})

    async def test_one_record_a_message(self) -> None:
        """So many records at most, and the order stays."""
        sink = await self.sink(records=1, tokens="none")
        await sink.emit([outcome(tokens=[token(1), token(2)]), outcome(State.FAILED), outcome(order=2)])
        got = [json.loads(body) for _, _, body in self.taken(self.queue)]
        self.assertEqual([each["state"] for each in got], ["accepted", "accepted", "failed", "accepted"])
        self.assertEqual({each["token"] for each in got}, {None})

    async def test_down(self) -> None:
        """Without a connection it is down, so that the reports come again; then it takes them."""
        sink = await self.sink()
        self.break_connections()
        await eventually(lambda: sink._publisher._channel is None, "the loss")
        await self.assertFailure(sink.emit([outcome()]), SinkDown)
        await eventually(lambda: sink._publisher._channel, "the connection")
        await sink.emit([outcome()])
        self.assertEqual(len(self.taken(self.queue)), 1)

    async def test_lost_on_the_way(self) -> None:
        """A connection that is lost before the broker confirmed means that it has not taken them."""
        sink = await self.sink()
        emitted = sink.emit([outcome()])
        sink._publisher._channel.connection._adapter_disconnect_stream()
        await self.assertFailure(emitted, SinkDown)

    async def test_cancelled(self) -> None:
        """Whoever gives up a call leaves the connection as it was."""
        sink = await self.sink()
        emitted: Deferred[None] = sink.emit([outcome()])
        emitted.addErrback(lambda _: None)
        emitted.cancel()
        await sink.emit([outcome(State.FAILED)])
        self.assertEqual(self.taken(self.queue)[-1][0].routing_key, "news.failed")

    async def test_passive(self) -> None:
        """Configured not to make the exchange it waits for one."""
        with self.broker.channel() as channel:
            channel.exchange_declare(self.exchange, "fanout")
        sink = await self.sink(declare=False)
        await sink.emit([outcome()])
        self.assertEqual(len(self.taken(self.queue)), 1)
