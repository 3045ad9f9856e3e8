"""What the connections of one line door share."""

from pydantic import Field

from pushgate.inputs.crowd import Crowd
from pushgate.inputs.gather import Gatherer
from pushgate.inputs.line.connection import Connection
from pushgate.inputs.visitor import Porter
from pushgate.interfaces import Context, IGateway
from pushgate.settings import Duration, ListeningTable, ServerEndpoint


class LineTable(ListeningTable):
    """The line door's configuration.

    :param listen: where.
    :param max_connections: more than so many at a time are closed at once.
    :param request_timeout: how long a line may take from its first byte to its last.
    :param unanswered: lines of one connection without an answer before the door stops reading from it.
    """

    listen: ServerEndpoint = "tcp:7218:interface=127.0.0.1"
    max_connections: int = Field(default=1000, ge=1)
    request_timeout: Duration = Field(default=60.0, gt=0)
    unanswered: int = Field(default=5000, ge=1)


class LineServer(Crowd):
    """Makes the connections of one door."""

    def __init__(
        self, name: str, config: LineTable, gateway: IGateway, context: Context, porter: Porter
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config, self.porter = config, porter
        self.gatherer = Gatherer(lambda submission: gateway.submit(submission, name), self.clock)

    def connect(self) -> Connection:
        return Connection(self)
