"""The connections of one input: how many there may be, and how all of them end."""

from typing import Any, Final

from twisted.internet import defer
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

from pushgate.inputs.common.backpressure import FullQueues
from pushgate.model.errors import Refusal
from pushgate.net.listener import Listener
from pushgate.net.read_pause import ReadPause
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway

STOP_TIMEOUT: Final = 10.0
"""Seconds that requests under way have to be answered when an input stops."""


class Connections(Factory):
    """Makes connections and keeps track of them.

    A connection calls `joined`, `left` and `finished`. It has `under_way`, the requests that wait for their
    answer, and the methods `close(reason)` and `abort()`.

    :param name: the input's name.
    :param limit: more connections at a time are closed at once.
    :ivar hubs: of the configuration, by name.
    :ivar stopping: nothing new is taken.
    """

    noisy = False
    log = Logger()

    def __init__(self, name: str, limit: int, gateway: IGateway, context: Context) -> None:
        self.name, self.gateway, self._limit = name, gateway, limit
        self.clock: IReactorTime = context.reactor
        self.wall = context.wall
        self.metrics, self.hubs = context.metrics, context.hubs
        self.stopping = False
        self.connections: set[Any] = set()
        self._full = False
        self._idle: Deferred[None] | None = None
        self._empty: Deferred[None] | None = None

    def connect(self) -> Protocol:
        """Make a connection."""
        raise NotImplementedError

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Return a connection, or None when there are too many."""
        full = len(self.connections) >= self._limit
        if full:
            self.count_closed("crowded")
        if full and not self._full:
            self.log.warn(
                "input {name}: {count} connections, further ones are closed (max_connections)",
                name=self.name,
                count=len(self.connections),
            )
        self._full = full
        return None if full or self.stopping else self.connect()

    def full_queues(self, read_pause: ReadPause) -> FullQueues:
        """The back-pressure of the queues on the connection with this read pause."""
        return FullQueues(self.gateway, read_pause, self.clock, self.name, self.metrics.count)

    def joined(self, connection: object) -> None:
        """A connection was made."""
        self.connections.add(connection)

    def left(self, connection: object) -> None:
        """A connection was lost, and none of its requests is under way."""
        self.connections.discard(connection)
        self.finished()
        if not self.connections and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def count_closed(self, reason: str) -> None:
        """Count a connection that is closed because of what its peer does, or because there are too many."""
        self.metrics.count("pushgate_connections_closed_total", self.name, reason)

    def count_refusal(self, app: str, refusal: Refusal) -> None:
        """Count a refusal of something that the gateway never saw."""
        label = app if self.gateway.has_app(app) else ""
        self.metrics.count("pushgate_refused_total", label, self.name, refusal.code)

    def finished(self) -> None:
        """A request was answered."""
        if self._idle is not None and not self._busy():
            idle, self._idle = self._idle, None
            idle.callback(None)

    def start(self) -> None:
        """Begin: the address of the input is listened at."""

    async def stop(self, *listeners: Listener) -> None:
        """Take no further connections, wait for requests under way, close; cancelled, close at once."""
        self.stopping = True
        try:
            for listener in listeners:
                await listener.stop()
            try:
                await self._answered().addTimeout(STOP_TIMEOUT, self.clock)
            except defer.TimeoutError:
                self.log.warn("input {name}: some requests got no answer", name=self.name)
            await self._closed()
        finally:
            for connection in list(self.connections):
                connection.abort()

    def _answered(self) -> Deferred[None]:
        idle: Deferred[None] = Deferred()
        self._idle = idle
        self.finished()
        return idle

    def _closed(self) -> Deferred[None]:
        if not self.connections:
            return succeed(None)
        empty: Deferred[None] = Deferred()
        self._empty = empty
        for connection in list(self.connections):
            connection.close("the gateway is shutting down")
        return empty

    def _busy(self) -> bool:
        return any(connection.under_way for connection in self.connections)
