"""The queue of messages: taking and acknowledging them."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from pika.exceptions import AMQPError, ConsumerCancelled
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.amqp.ack_tracker import AckTracker
from pushgate.inputs.amqp.message import Place
from pushgate.inputs.amqp.queue_declaration import declare_queue
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.net.amqp.channel import AmqpChannel, Channel
from pushgate.net.amqp.shield import shielded
from pushgate.plugin.context import Context

SETTLING: Final = 0.2
"""Seconds that the broker has to work off acknowledgements before the channel is closed: those to a quorum
queue wait in the channel's process, and what still waits there when it ends is forgotten."""


class Consumer:
    """Takes messages until it is cancelled, over one channel after the other.

    :param received: called with each message, and the number of the channel it came by.
    :raises CannotStart: what the table names cannot be used.
    """

    log = Logger()

    def __init__(
        self, where: str, table: AmqpTable, context: Context, received: Callable[[Any, int], None]
    ) -> None:
        self._table, self._received = table, received
        self._broker = AmqpChannel(where, table, context, self._opened, self._lost)
        self._channel: Channel = None
        self._number = 0
        self._tag: str | None = None
        self._cancelled = False
        self._clock = context.reactor
        self._outstanding = AckTracker(partial(self._acknowledge, None))

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
        """Close; the broker delivers what was not acknowledged to others."""
        try:
            self._outstanding.flush()
            if self._channel is not None:
                await deferLater(self._clock, SETTLING)
        finally:
            await self._broker.stop()

    async def cancel(self) -> None:
        """Take nothing more; what is already on its way still comes."""
        self._cancelled = True
        channel, tag, self._tag = self._channel, self._tag, None
        if channel is None or tag is None:
            return
        cancelled = shielded(channel.basic_cancel(tag))
        # pika would return what still comes to the queue, without notice: it would count as delivered
        # before, and could no longer be known not to have been sent.
        channel._channel._cancelled.discard(tag)
        with suppress(AMQPError):  # else the channel is lost, and with it the consumer
            await cancelled

    def acknowledge(self, places: Iterable[Place]) -> None:
        """Acknowledge a message; of no effect on a channel that was lost: it comes again."""
        for number, tag in places:
            if self._channel is not None and number == self._number and self._outstanding.done(tag):
                self._clock.callLater(0, self._outstanding.flush)

    def requeue(self, places: Iterable[Place]) -> None:
        """Have the broker deliver a message again, as one that may have been done."""
        for number, tag in places:
            if self._usable(self._channel) and number == self._number:
                self._outstanding.rejected(tag)
                self._channel.basic_nack(tag, requeue=True)

    async def _opened(self, channel: Channel) -> None:
        await declare_queue(channel, self._table)
        await shielded(channel.basic_qos(prefetch_count=self._table.prefetch))
        self._channel, self._number = channel, self._number + 1
        self._outstanding = AckTracker(partial(self._acknowledge, channel))
        if self._cancelled:
            return
        consuming = channel.basic_consume(queue=self._table.queue)
        queue, self._tag = await shielded(consuming)
        Deferred.fromCoroutine(self._read(queue, self._number)).addErrback(self._failed)

    def _lost(self) -> None:
        self._channel = self._tag = None

    async def _read(self, queue: Any, number: int) -> None:
        while True:
            try:
                message = await queue.get()
            except ConsumerCancelled:
                break
            except Exception:  # noqa: BLE001 - the channel is lost, for whatever reason
                return
            self._outstanding.delivered(message.method.delivery_tag)
            self._received(message, number)
        if self._tag is not None:
            self._broker.renew("the queue is gone, or has moved")

    def _acknowledge(self, channel: Channel, tag: int, all_before: bool) -> None:
        if channel is self._channel and self._usable(channel):
            channel.basic_ack(tag, multiple=all_before)

    def _usable(self, channel: Channel) -> bool:
        """Return True if the channel takes commands: one that is closing is not lost yet."""
        return channel is not None and bool(channel.is_open)

    def _failed(self, failure: Failure) -> None:
        self.log.failure("{where}: taking a message", failure, where=self._broker.where)
        self._broker.renew("an error here")  # so that the broker delivers it again, here or elsewhere
