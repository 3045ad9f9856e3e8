"""The RabbitMQ door: messages of a queue, acknowledged when all that they ask for has its outcome.

`body` reads what a message says, `message` is one that is under way, `reading` looks into it, `consignment`
is what of messages goes to the gateway together, `intake` leads each through, `consumer` takes and
acknowledges them, `returns` publishes what goes elsewhere instead, `door` puts these together.
"""

from pushgate.inputs.amqp.input import plug_in

__all__ = ["plug_in"]
