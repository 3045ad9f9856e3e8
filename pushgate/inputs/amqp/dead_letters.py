"""Publishing what is not sent: dead letters, and what goes back to the queue."""

from collections.abc import Callable
from copy import copy
from typing import Any, Final

from pika import BasicProperties
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.amqp.message import Message
from pushgate.inputs.amqp.message_body import JSON, write
from pushgate.inputs.amqp.queue_declaration import declare_dead_letters
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.model.backoff import delay
from pushgate.model.errors import SinkDown
from pushgate.net.amqp.publisher import Outgoing, Publisher
from pushgate.plugin.context import Context

AT_ONCE: Final = 500
"""Messages published at a time."""
FIRST_PAUSE: Final = 0.5
"""Seconds before what was not confirmed is published again; doubled each time."""
LONGEST_PAUSE: Final = 30.0
"""Seconds between two such attempts at most."""
LARGEST: Final = 128_000
"""Bytes of properties at most: they must fit in one frame, of 131,072 unless an operator made that less."""
_NOT_KEPT: Final = {"CC", "BCC", "x-delivery-count"}
"""Headers by which RabbitMQ would send a copy to other queues again; and its count of earlier deliveries."""
_PERSISTENT: Final = 2


class DeadLetters:
    """Publishes again and again until the broker has confirmed.

    :raises CannotStart: what the table names cannot be used.
    """

    log = Logger()

    def __init__(self, where: str, table: AmqpTable, context: Context) -> None:
        self._where, self._table = where, table
        self._clock, self._jitter = context.reactor, context.jitter
        self._publisher = Publisher(
            where, table, context, lambda channel: declare_dead_letters(channel, table)
        )
        self._waiting: list[tuple[list[Outgoing], Callable[[], None]]] = []
        self._busy = False
        self._stopped = False
        self._working: Deferred[None] = succeed(None)

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`."""
        return self._publisher.read_files()

    def start(self) -> None:
        """Begin to connect."""
        self._publisher.start()

    async def stop(self) -> None:
        """Close the connection; what is not published stays in the queue it came from."""
        self._stopped = True
        self._waiting.clear()
        self._working.cancel()
        await self._publisher.stop()

    def send(self, message: Message, done: Callable[[], None]) -> None:
        """Publish what of a message is not sent; `done` is called once the broker has confirmed it."""
        if self._stopped:
            return
        self._waiting.append((self._outgoing(message), done))
        if not self._busy:
            self._busy = True
            self._working = Deferred.fromCoroutine(self._work()).addErrback(self._failed)

    async def _work(self) -> None:
        failures = 0
        try:
            while self._waiting:
                now = self._waiting[:AT_ONCE]
                try:
                    await self._publisher.publish([each for outgoing, _ in now for each in outgoing])
                except SinkDown as error:
                    failures += 1
                    await self._pause(failures, error)
                    continue
                failures = 0
                del self._waiting[: len(now)]
                for _, done in now:
                    done()
        finally:
            self._busy = False

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("{where}: publishing", failure, where=self._where)

    async def _pause(self, failures: int, error: SinkDown) -> None:
        pause = delay(failures, first=FIRST_PAUSE, cap=LONGEST_PAUSE, jitter=self._jitter)
        self.log.warn("{error}; messages wait to be dead-lettered or returned", error=str(error))
        await deferLater(self._clock, pause)

    def _outgoing(self, message: Message) -> list[Outgoing]:
        outgoing = []
        if message.code:
            properties = _properties(message, message.reasons())
            properties.expiration = None  # a dead letter waits for people
            outgoing.append(
                Outgoing("", self._table.dead_letters, message.body, properties, must_arrive=True)
            )
        if message.returned:
            outgoing += self._given_back(message)
        return outgoing

    def _given_back(self, message: Message) -> list[Outgoing]:
        """The message as it was, or what of it was not sent."""
        queue = self._table.queue
        headers = {"app": message.app}
        if sum(len(members) for _, members in message.returned) == message.total:
            return [Outgoing("", queue, message.body, _properties(message, headers), must_arrive=True)]
        if message.properties.message_id:
            headers["x-pushgate-message-id"] = message.properties.message_id
        properties = _properties(message, headers)
        properties.message_id, properties.content_type = None, JSON
        return [
            Outgoing("", queue, write(message.app, part, members), properties, must_arrive=True)
            for part, members in message.returned
        ]


def _properties(message: Message, headers: dict[str, Any]) -> BasicProperties:
    """A message's properties for a copy of it: persistent, and published by this gateway."""
    properties = copy(message.properties)
    theirs = {name: value for name, value in (properties.headers or {}).items() if name not in _NOT_KEPT}
    properties.headers = {**theirs, **headers}
    properties.delivery_mode = _PERSISTENT
    if properties.user_id is not None:
        properties.headers["x-pushgate-user-id"], properties.user_id = properties.user_id, None
    if _size(properties) > LARGEST:
        properties.headers = headers
    return properties


def _size(properties: BasicProperties) -> int:
    return sum(map(len, properties.encode()))
