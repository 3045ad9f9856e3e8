"""Talking to RabbitMQ: one connection that is kept up, and messages published so that none is lost.

`settings` names the broker, `connect` connects to it, `channel` keeps that up, `publisher` publishes over it.
Importing `connect`, `channel` or `publisher` needs pika, which the extra ``amqp`` brings.
"""
