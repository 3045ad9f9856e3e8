"""The input whose peers keep a connection of questions and answers open, and what its connections share."""

from typing import Any, ClassVar, Protocol

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.session import Authenticator
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway, IInput


class ConversationTable(Protocol):
    """What the configuration of such a door has besides where it listens.

    :ivar max_connections: more than so many at a time are closed at once.
    :ivar request_timeout: seconds that a question may take from its first byte to its last.
    :ivar unanswered: questions of one connection without an answer before the door stops reading from it.
    """

    max_connections: int
    request_timeout: float
    unanswered: int


class ConversationServer(Connections):
    """What the connections of one door share."""

    def __init__(
        self, name: str, config: ConversationTable, gateway: IGateway, context: Context, porter: Authenticator
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config: Any = config
        self.porter = porter
        self.gatherer = Batcher(lambda submission: gateway.submit(submission, name), self.clock)


@implementer(IInput)
class ConversationInput:
    """Listens, and closes in order.

    :cvar server: makes the connections.
    """

    server: ClassVar[type[ConversationServer]]

    def __init__(self, name: str, config: Any, gateway: IGateway, context: Context) -> None:
        self._listener = Listener(name, config, context)
        porter = Authenticator(name, self._listener.trusting, gateway, context)
        self._server = self.server(name, config, gateway, context, porter)

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server)

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        self._server.porter.stop()
        return Deferred.fromCoroutine(self._server.stop(self._listener))

    def addresses(self) -> list[str]:
        return self._listener.addresses()
