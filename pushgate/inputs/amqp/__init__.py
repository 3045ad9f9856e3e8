"""The RabbitMQ input: messages of a queue, acknowledged when all that they ask for has its outcome.

`message_body` and `message_decoder` read a message, `message` is one that is under way, `submission` is one
submission of them, `pipeline` leads each message through, `consumer` takes and acknowledges them,
`dead_letters` publishes what goes elsewhere instead, `input` puts these together.
"""

from pushgate.inputs.amqp.input import plug_in

__all__ = ["plug_in"]
