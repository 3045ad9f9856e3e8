"""The RabbitMQ input's configuration."""

from typing import Annotated

from pydantic import Field

from pushgate.net.amqp.settings import BrokerTable
from pushgate.plugin.settings import AppName, InputTable, PrincipalName

QueueName = Annotated[str, Field(min_length=1, max_length=255)]
"""The name of a queue."""


class AmqpTable(InputTable, BrokerTable):
    """The keys of a RabbitMQ input beside those of its broker.

    :param queue: the one that messages are taken from.
    :param dead_letters: the queue for those that cannot be sent.
    :param declare: make both queues, when there are none, as durable quorum queues; else they must be there.
    :param prefetch: messages of the queue that this gateway may have at a time.
    :param principal: its apps and its quota apply to all messages; RabbitMQ says which programs may publish.
    :param app: for messages that name none; without it their routing key does.
    :param max_message: bytes of a message at most.
    :param remember: messages with an id, done last, that are recognised when they come again.
    """

    queue: QueueName = "pushgate"
    dead_letters: QueueName = "pushgate.dead"
    declare: bool = True
    prefetch: int = Field(default=10_000, ge=1, le=65535)
    principal: PrincipalName | None = None
    app: AppName | None = None
    max_message: int = Field(default=1 << 20, ge=1)
    remember: int = Field(default=100_000, ge=0)
