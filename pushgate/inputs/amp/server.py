"""What the connections of one AMP door share."""

from collections.abc import Callable

from pydantic import Field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from pushgate.errors import Refusal
from pushgate.inputs.amp.connection import Connection
from pushgate.inputs.amp.watcher import Watcher
from pushgate.inputs.brake import Brake
from pushgate.inputs.gather import Gatherer
from pushgate.inputs.pressure import FullQueues
from pushgate.inputs.visitor import Guard
from pushgate.interfaces import Context, IGateway
from pushgate.settings import Duration, ListeningTable, ServerEndpoint


class AmpTable(ListeningTable):
    """The AMP door's configuration.

    :param listen: where.
    :param max_connections: more than so many at a time are closed at once.
    :param unanswered: commands under way on one connection before the door stops reading from it.
    :param watch_buffer: reports (ranges of notifications with one outcome) that may wait for one watcher.
    :param watch_timeout: how long a watcher may take to acknowledge outcomes before it is disconnected.
    """

    listen: ServerEndpoint = "tcp:7215:interface=127.0.0.1"
    max_connections: int = Field(default=1000, ge=1)
    unanswered: int = Field(default=256, ge=1)
    watch_buffer: int = Field(default=10_000, ge=1)
    watch_timeout: Duration = 30.0


class AmpServer(Factory):
    """Makes connections and knows which there are.

    :param name: the door's name.
    :ivar stopping: nothing new is taken.
    """

    noisy = False
    log = Logger()

    def __init__(
        self, name: str, config: AmpTable, gateway: IGateway, context: Context, guard: Guard
    ) -> None:
        self.name, self.config, self.gateway, self.guard = name, config, gateway, guard
        self.clock: IReactorTime = context.reactor
        self.wall = context.wall
        self.gatherer = Gatherer(lambda submission: gateway.submit(submission, name), self.clock)
        self.stopping = False
        self._tally = context.tally
        self._connections: set[Connection] = set()
        self._watchers: set[int] = set()
        self._full = False
        self._idle: Deferred[None] | None = None
        self._empty: Deferred[None] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Connection | None:
        """A connection, or None when there are too many."""
        full = len(self._connections) >= self.config.max_connections
        if full and not self._full:
            self.log.warn(
                "door {name}: {count} connections, further ones are closed (max_connections)",
                name=self.name,
                count=len(self._connections),
            )
        self._full = full
        return None if full or self.stopping else Connection(self)

    # called by the connections

    def joined(self, connection: Connection) -> None:
        """A connection was made."""
        self._connections.add(connection)

    def left(self, connection: Connection) -> None:
        """A connection was lost."""
        self._connections.discard(connection)
        self.finished()
        if not self._connections and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def finished(self) -> None:
        """A command was answered."""
        if self._idle is not None and not self._busy():
            idle, self._idle = self._idle, None
            idle.callback(None)

    def full_queues(self, brake: Brake) -> FullQueues:
        """What holds this brake of a connection while a queue is nearly full."""
        return FullQueues(self.gateway, brake, self.clock, self.name, self._tally.count)

    def attach(
        self, send: Callable[[bytes], None], sees: Callable[[str], bool], gave_up: Callable[[], None]
    ) -> tuple[Watcher, Callable[[], None]]:
        """A sink for one connection, and what detaches it."""
        watcher = Watcher(send, sees, self.clock, self.config.watch_timeout, gave_up)
        # The lowest free number: a sink's name is a label of metrics, of which there must not be ever more.
        number = next(n for n in range(1, len(self._watchers) + 2) if n not in self._watchers)
        name = f"{self.name}.watch-{number}"
        detach = self.gateway.attach(name, watcher, self.config.watch_buffer)
        self._watchers.add(number)

        def leave() -> None:
            self._watchers.discard(number)
            detach()

        return watcher, leave

    def count_refusal(self, app: bytes, refusal: Refusal) -> None:
        """Count what was refused before the gateway saw it."""
        name = app.decode(errors="replace")
        label = name if self.gateway.has_app(name) else ""
        self._tally.count("pushgate_refused_total", label, self.name, refusal.code)

    def count_dropped_watcher(self) -> None:
        """Count a watcher that is disconnected because it does not acknowledge."""
        self._tally.count("pushgate_watchers_dropped_total", self.name, "unread")

    # called by the door

    def idle(self) -> Deferred[None]:
        """Fires when every command is answered."""
        idle: Deferred[None] = Deferred()
        self._idle = idle
        self.finished()
        return idle

    def close(self) -> Deferred[None]:
        """Close every connection; fires when all are."""
        if not self._connections:
            return succeed(None)
        empty: Deferred[None] = Deferred()
        self._empty = empty
        for connection in list(self._connections):
            connection.close("the gateway is shutting down")
        return empty

    def abort(self) -> None:
        """Close every connection at once."""
        for connection in list(self._connections):
            connection.abort()

    def _busy(self) -> bool:
        return any(connection.under_way for connection in self._connections)
