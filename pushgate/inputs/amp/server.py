"""What the connections of one AMP door share."""

from collections.abc import Callable

from pydantic import Field

from pushgate.inputs.amp.connection import AmpConnection
from pushgate.inputs.amp.watcher import Watcher
from pushgate.inputs.common.conversation import ConversationServer
from pushgate.inputs.common.session import Authenticator
from pushgate.plugin.interfaces import Context, IGateway
from pushgate.plugin.settings import Duration, ListeningTable, ServerEndpoint


class AmpTable(ListeningTable):
    """The AMP door's configuration.

    :param listen: where.
    :param max_connections: more than so many at a time are closed at once.
    :param request_timeout: how long a command may take from its first byte to its last.
    :param unanswered: commands under way on one connection before the door stops reading from it.
    :param watch_buffer: reports (ranges of notifications with one outcome) that may wait for one watcher.
    :param watch_timeout: how long a watcher may take to acknowledge outcomes before it is disconnected.
    """

    listen: ServerEndpoint = "tcp:7215:interface=127.0.0.1"
    max_connections: int = Field(default=1000, ge=1)
    request_timeout: Duration = Field(default=60.0, gt=0)
    unanswered: int = Field(default=256, ge=1)
    watch_buffer: int = Field(default=10_000, ge=1)
    watch_timeout: Duration = 30.0


class AmpServer(ConversationServer):
    """Makes the connections of one door."""

    def __init__(
        self, name: str, config: AmpTable, gateway: IGateway, context: Context, porter: Authenticator
    ) -> None:
        super().__init__(name, config, gateway, context, porter)
        self.wall = context.wall
        self._watchers: set[int] = set()

    def connect(self) -> AmpConnection:
        return AmpConnection(self)

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

    def count_dropped_watcher(self, reason: str) -> None:
        """Count a watcher that is told no more, though it did not leave."""
        self.metrics.count("pushgate_watchers_dropped_total", self.name, reason)
