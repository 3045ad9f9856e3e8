"""The two queues of a door: made when they are missing, or asked for."""

from pushgate.broker.link import Channel
from pushgate.broker.shield import shielded
from pushgate.inputs.amqp.table import AmqpTable


async def declare_queue(channel: Channel, table: AmqpTable) -> None:
    """The queue that messages are taken from; what its own rules throw out goes to the dead letters."""
    arguments = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": table.dead_letters,
    }
    await _declare(channel, table.queue, table.declare, arguments)


async def declare_dead_letters(channel: Channel, table: AmqpTable) -> None:
    """The queue that dead letters go to."""
    await _declare(channel, table.dead_letters, table.declare, {"x-queue-type": "quorum"})


async def _declare(channel: Channel, name: str, make: bool, arguments: dict[str, str]) -> None:
    if make:
        declared = channel.queue_declare(queue=name, durable=True, arguments=arguments)
    else:
        declared = channel.queue_declare(queue=name, passive=True)
    await shielded(declared)
