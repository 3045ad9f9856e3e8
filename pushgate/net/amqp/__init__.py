"""Talking to RabbitMQ: one connection that is kept up, and messages published so that none is lost.

`settings` names the broker, `connect` connects to it, `channel` keeps that up, `publisher` publishes over it.
Importing `connect`, `channel` or `publisher` needs pika, which the extra ``amqp`` brings.
"""

import logging

# pika says through the standard library what our own log says already; without any place to go to, such lines
# would appear on stderr as the broker wrote them.
logging.getLogger("pika").addHandler(logging.NullHandler())
