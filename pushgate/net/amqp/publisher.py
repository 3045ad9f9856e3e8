"""Publishing so that nothing is lost: a message that the broker did not confirm counts as not published."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
from pika import BasicProperties
from pika.exceptions import UnroutableError
from twisted.internet.defer import Deferred, DeferredList, DeferredLock
from twisted.python.failure import Failure

from pushgate.model.errors import SinkDown
from pushgate.net.amqp.channel import AmqpChannel, Channel
from pushgate.net.amqp.settings import BrokerTable
from pushgate.net.amqp.shield import shielded
from pushgate.plugin.context import Context


class Outgoing(msgspec.Struct, frozen=True):
    """A message to publish.

    :param exchange: "" for the default one, whose routing keys are the names of queues.
    :param must_arrive: it counts as not published when no queue takes it.
    """

    exchange: str
    routing_key: str
    body: bytes
    properties: BasicProperties
    must_arrive: bool = False


class Publisher:
    """Publishes over a connection of its own. A broker short of memory stops reading from connections that
    publish, so that acknowledgements and the like must not share them.

    :param declare: called with each new channel, to make or check exchanges and queues.
    :raises CannotStart: what the table names cannot be used.
    """

    def __init__(
        self,
        where: str,
        table: BrokerTable,
        context: Context,
        declare: Callable[[Channel], Coroutine[Any, Any, None]],
    ) -> None:
        self._broker = AmqpChannel(where, table, context, self._opened, self._lost)
        self._declare = declare
        self._channel: Channel = None
        self._one_at_a_time = DeferredLock()

    @property
    def address(self) -> str:
        """The broker's address, for people."""
        return self._broker.address

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`."""
        return self._broker.read_files()

    def start(self) -> None:
        """Begin to connect."""
        self._broker.start()

    async def stop(self) -> None:
        """Close the connection."""
        await self._broker.stop()

    def publish(self, messages: Sequence[Outgoing]) -> Deferred[None]:
        """Publish; fires when the broker has confirmed all of them.

        Fails with `SinkDown` when it has not: some of them may be published all the same.
        """
        # One call after the other: an unroutable message comes back without a hint at its call.
        published: Deferred[None] = self._one_at_a_time.run(self._publish, messages)
        return published

    def _publish(self, messages: Sequence[Outgoing]) -> Deferred[None]:
        return Deferred.fromCoroutine(self._confirmed(messages))

    async def _confirmed(self, messages: Sequence[Outgoing]) -> None:
        if self._channel is None:
            raise SinkDown(f"{self._broker.where}: there is no connection to the broker")
        try:
            confirmations = [self._send(self._channel, each) for each in messages]
        except Exception as error:  # pika's errors on a channel that is closing
            raise SinkDown(f"{self._broker.where}: {error!r}") from error
        for confirmed, result in await shielded(DeferredList(confirmations, consumeErrors=True)):
            if not confirmed:
                if isinstance(result, Failure) and result.check(UnroutableError):
                    self._broker.renew("a queue is gone")  # to declare it again, or log its absence
                raise SinkDown(f"{self._broker.where}: not confirmed: {result!r}")

    def _send(self, channel: Channel, message: Outgoing) -> Deferred[object]:
        sent: Deferred[object] = channel.basic_publish(
            message.exchange,
            message.routing_key,
            message.body,
            message.properties,
            mandatory=message.must_arrive,
        )
        return sent

    async def _opened(self, channel: Channel) -> None:
        await shielded(channel.confirm_delivery())
        await self._declare(channel)
        self._channel = channel

    def _lost(self) -> None:
        self._channel = None
