"""The two queues of an input: declared, or checked for."""

from typing import Final

from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.net.amqp.channel import Channel
from pushgate.net.amqp.shield import shielded

DELIVERIES: Final = 20
"""How often an unacknowledged message is delivered again; then it is a dead letter."""


async def declare_queue(channel: Channel, table: AmqpTable) -> None:
    """Declare the queue that messages are taken from; what its own rules drop goes to the dead letters."""
    arguments: dict[str, str | int] = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": table.dead_letters,
        # So that the broker drops a message when the other queue has it, not when it was sent there.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # without it there is no such strategy
        "x-delivery-limit": DELIVERIES,
    }
    await _declare(channel, table.queue, table.declare, arguments)


async def declare_dead_letters(channel: Channel, table: AmqpTable) -> None:
    """Declare the queue of dead letters."""
    await _declare(channel, table.dead_letters, table.declare, {"x-queue-type": "quorum"})


async def _declare(channel: Channel, name: str, make: bool, arguments: dict[str, str | int]) -> None:
    if make:
        declared = channel.queue_declare(queue=name, durable=True, arguments=arguments)
    else:
        declared = channel.queue_declare(queue=name, passive=True)
    await shielded(declared)
