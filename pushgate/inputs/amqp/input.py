"""The RabbitMQ door as a plug-in."""

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.inputs.amqp.consumer import Consumer
from pushgate.inputs.amqp.dead_letters import DeadLetters
from pushgate.inputs.amqp.pipeline import Pipeline
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.plugin.interfaces import Context, IGateway, IInput


@implementer(IInput)
class AmqpInput:
    """Takes messages from a queue; a broker that is away is waited for."""

    log = Logger()

    def __init__(self, name: str, config: AmqpTable, gateway: IGateway, context: Context) -> None:
        where = f"inputs.{name}"
        self._name, self._config = name, config
        self._durable = context.state_dir is not None
        self._returns = DeadLetters(where, config, context)
        self._intake = Pipeline(name, config, gateway, context, self._returns)
        self._consumer = self._intake.consumer = Consumer(where, config, context, self._intake.take)

    def start(self) -> Deferred[None]:
        """Fires at once: the broker may come later."""
        if self._durable:
            self.log.warn(
                'door {name}: the broker keeps what it sends, and so does gateway.state_dir; with "memory"'
                " there is one copy, and less is sent twice when this process is killed",
                name=self._name,
            )
        self._consumer.start()
        self._returns.start()
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """Cancelled, it leaves to the broker what has no outcome."""
        return Deferred.fromCoroutine(self._stop())

    def addresses(self) -> list[str]:
        return [f"{self._consumer.address} queue {self._config.queue}"]

    async def _stop(self) -> None:
        try:
            await self._consumer.cancel()
            await self._intake.stop()
        finally:
            self._intake.close()
            closing = [Deferred.fromCoroutine(each.stop()) for each in (self._consumer, self._returns)]
            await DeferredList(closing, consumeErrors=True)


plug_in = AmqpTable, AmqpInput
