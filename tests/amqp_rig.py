"""The RabbitMQ input in tests: a recording gateway behind it, a real broker before it."""

import json
from typing import Any

from pika.exceptions import AMQPError
from twisted.internet.defer import CancelledError, Deferred

from pushgate.inputs.amqp import dead_letters, pipeline
from pushgate.inputs.amqp.input import AmqpInput
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.net.amqp import channel
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugins.builtin import amqp as factory
from pushgate.testing import RecordingGateway
from tests.broker_rig import BrokerTestCase, broker_context, eventually
from tests.samples import token

PAYLOAD = {"aps": {"alert": "Hi"}}


def one(number: int = 0, **fields: Any) -> bytes:
    """A message that is one notification."""
    return json.dumps({"app": "news", "token": token(number).hex(), "payload": PAYLOAD} | fields).encode()


class AmqpTestCase(BrokerTestCase):
    def setUp(self) -> None:
        super().setUp()
        for module in (channel, dead_letters, pipeline):
            # A quorum queue takes nothing until its leader is elected, which would cost pause after pause.
            self.patch(module, "LONGEST_PAUSE", 0.1)
        self.gateway = RecordingGateway("news", "chat")
        self.context = broker_context()

    async def start_input(
        self, gateway: IGateway | None = None, context: Context | None = None, **table: Any
    ) -> AmqpInput:
        """An input that is connected, and stopped at the end."""
        config = AmqpTable(
            type="amqp",
            url=table.pop("url", self.broker.url),
            queue=self.queue,
            dead_letters=self.dead,
            **table,
        )
        queue_input: Any = factory.input("queue", config, gateway or self.gateway, context or self.context)
        await queue_input.start()
        self.addCleanup(stop_now, queue_input)
        await eventually(self.queues, "the queues")
        return queue_input

    def queues(self) -> bool:
        try:
            return self.ready(self.queue) + self.ready(self.dead) >= 0
        except AMQPError:
            return False

    def counted(self, result: str) -> int:
        return self.context.metrics.counts["pushgate_messages_total"].get(("queue", result), 0)

    async def until_counted(self, result: str, number: int = 1) -> None:
        await eventually(lambda: self.counted(result) >= number, f"{number} {result}")

    async def submitted(self, number: int = 1) -> None:
        await eventually(lambda: len(self.gateway.submissions) >= number, f"submission {number}")

    async def dead_letters(self) -> list[tuple[Any, Any, bytes]]:
        await self.until_counted("dead-lettered")
        return self.taken(self.dead)


def stop_now(queue_input: AmqpInput) -> Deferred[None]:
    """Stop an input without waiting for outcomes."""
    stopping = queue_input.stop()
    stopping.addErrback(lambda failure: failure.trap(CancelledError)).addCallback(lambda _: None)
    stopping.cancel()
    return stopping
