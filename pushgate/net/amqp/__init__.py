"""Talking to RabbitMQ: one connection that is kept up, and messages published so that none is lost.

`table` says where the broker is, `dial` connects to it, `link` keeps that up, `publisher` publishes over it.
Importing `dial`, `link` or `publisher` needs pika, which the extra ``pushgate[amqp]`` brings.
"""
