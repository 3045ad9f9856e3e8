"""The RabbitMQ door's configuration."""

from typing import Annotated

from pydantic import Field

from pushgate.net.amqp.settings import BrokerTable
from pushgate.plugin.settings import AppName, InputTable, PrincipalName

QueueName = Annotated[str, Field(min_length=1, max_length=255)]
"""What a queue may be called."""


class AmqpTable(InputTable, BrokerTable):
    """What a RabbitMQ door may be told, besides where its broker is.

    :param queue: where the messages are.
    :param dead_letters: the queue for those that cannot be sent.
    :param declare: make both queues, when there are none, as durable quorum queues; else they must be there.
    :param prefetch: messages of the queue that this gateway may have at a time.
    :param principal: whose messages these are: its apps, its quota. Who may publish is RabbitMQ's to say.
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
