"""Tests against a real RabbitMQ: the broker is started once for all of them."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar

import pytest
from pika import BasicProperties
from pika.exceptions import NackError
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from bench.broker import Broker
from pushgate.model.metrics import Metrics
from pushgate.plugin.context import Context

DEADLINE = 60.0
"""Seconds to wait for anything at most: a broker may take its time on a busy machine."""
_numbers = count(1)


def broker_context() -> Context:
    """A context on the real reactor, without chance."""
    return Context(reactor=reactor, wall=reactor.seconds, jitter=lambda: 0.0, metrics=Metrics())


async def eventually(condition: Callable[[], object], what: str) -> Any:
    """Poll until a condition holds; return its value."""
    deadline = reactor.seconds() + DEADLINE
    while not (found := condition()):
        if reactor.seconds() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        await deferLater(reactor, 0.02)
    return found


def put(channel: Any, queue: str, body: bytes, properties: Any = None) -> None:
    """Put a message into a queue, as publishers do: again when the broker says that it could not take it.

    A quorum queue that was just declared takes nothing until its leader is elected.
    """
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return channel.basic_publish("", queue, body, properties, mandatory=True)
        except NackError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class BrokerTestCase(TestCase):
    """Has a broker, and a queue of its own on it."""

    timeout: ClassVar[int] = 90
    broker: Broker

    @pytest.fixture(autouse=True)
    def _with_broker(self, broker: Broker) -> None:
        self.broker = broker

    def setUp(self) -> None:
        self.queue = f"push-{next(_numbers)}"
        self.dead = f"{self.queue}.dead"

    def finally_(self, *stops: Callable[[], Any]) -> None:
        """Stop something at the end of the test."""
        for stop in stops:
            self.addCleanup(stop)

    def publish(self, *bodies: bytes, **properties: Any) -> None:
        """Put messages into the queue, which must be there."""
        with self.broker.channel() as channel:
            for body in bodies:
                put(channel, self.queue, body, BasicProperties(**properties))

    def break_connections(self) -> None:
        """Have the broker close every connection."""
        self.broker.control("close_all_connections", "test")

    def ready(self, queue: str) -> int:
        """The number of messages of a queue that wait in it."""
        with self.broker.channel() as channel:
            found: int = channel.queue_declare(queue, passive=True).method.message_count
            return found

    def taken(self, queue: str) -> list[tuple[Any, Any, bytes]]:
        """Take every message that waits in a queue: its delivery, properties and body."""
        found = []
        with self.broker.channel() as channel:
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                found.append(got)
        return found


def coroutine(call: Callable[[], Any]) -> Callable[[], Deferred[Any]]:
    """An `async def` as trial's cleanups want it."""
    return lambda: Deferred.fromCoroutine(call())
