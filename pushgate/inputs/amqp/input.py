"""The RabbitMQ input as a plug-in."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.inputs.amqp.consumer import Consumer
from pushgate.inputs.amqp.dead_letters import DeadLetters
from pushgate.inputs.amqp.pipeline import Pipeline
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.model.finding import Finding
from pushgate.model.printable import printable
from pushgate.net.amqp.channel import Channel
from pushgate.net.amqp.diagnosis import Thing, check_broker
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.optional_interfaces import IReadsFiles


@implementer(IInput, IReadsFiles)
class AmqpInput:
    """Takes messages from a queue; waits for a broker that cannot be reached."""

    log = Logger()

    def __init__(self, name: str, config: AmqpTable, gateway: IGateway, context: Context) -> None:
        where = f"inputs.{name}"
        self._name, self._config = name, config
        self._durable = context.state_dir is not None
        self._dead_letters = DeadLetters(where, config, context)
        self._pipeline = Pipeline(name, config, gateway, context, self._dead_letters)
        self._consumer = self._pipeline.consumer = Consumer(where, config, context, self._pipeline.take)

    def start(self) -> Deferred[None]:
        """Fires at once: the broker may come later."""
        if self._durable:
            self.log.warn(
                'input {name}: the broker keeps what it sends, and so does gateway.state_dir; with "memory"'
                " there is one copy, and less is sent twice when this process is killed",
                name=self._name,
            )
        self._consumer.start()
        self._dead_letters.start()
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """Cancelled, it leaves the messages without an outcome to the broker."""
        return Deferred.fromCoroutine(self._stop())

    def addresses(self) -> list[str]:
        return [f"{self._consumer.address} queue {self._config.queue}"]

    def read_files(self) -> Callable[[], None]:
        """The connections are left as they are; the next ones use the files."""
        taking, publishing = self._consumer.read_files(), self._dead_letters.read_files()

        def use() -> None:
            taking()
            publishing()

        return use

    async def _stop(self) -> None:
        try:
            await self._consumer.cancel()
            await self._pipeline.stop()
        finally:
            self._pipeline.close()
            closing = [Deferred.fromCoroutine(each.stop()) for each in (self._consumer, self._dead_letters)]
            await DeferredList(closing, consumeErrors=True)


async def _diagnose(name: str, config: AmqpTable, examination: Examination) -> AsyncIterator[Finding]:
    """Whether the broker lets it in, and has the queue."""

    def exists(channel: Channel) -> Any:
        return channel.queue_declare(config.queue, passive=True)

    thing = Thing(f"the queue {printable(config.queue)}", exists, config.declare)
    async for each in check_broker(f"inputs.{name}", config, examination, thing):
        yield each


plug_in = AmqpTable, AmqpInput, _diagnose
