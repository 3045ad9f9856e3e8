"""An input with lasting connections of questions and answers, and what they share."""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.session import Authenticator
from pushgate.net.listener import Listener
from pushgate.plugin.interfaces import Context, IGateway, IInput, IReadsFiles


class ConversationTable(Protocol):
    """The keys that the configuration of such an input has besides `listen`.

    :ivar max_connections: more than so many at a time are closed at once.
    :ivar request_timeout: seconds that a question may take from its first byte to its last.
    :ivar unanswered: questions of one connection without an answer before reading from it stops.
    """

    max_connections: int
    request_timeout: float
    unanswered: int


class ConversationServer(Connections):
    """The state that the connections of one input share."""

    def __init__(
        self,
        name: str,
        config: ConversationTable,
        gateway: IGateway,
        context: Context,
        authenticator: Authenticator,
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config: Any = config
        self.authenticator = authenticator
        self.batcher = Batcher(lambda submission: gateway.submit(submission, name), self.clock)


@implementer(IInput, IReadsFiles)
class ConversationInput:
    """Listens, and closes in order.

    :cvar server: makes the connections.
    :cvar starttls: see `Listener`.
    """

    server: ClassVar[type[ConversationServer]]
    starttls: ClassVar[bool] = False

    def __init__(self, name: str, config: Any, gateway: IGateway, context: Context) -> None:
        self._listener = Listener(name, config, context, starttls=self.starttls)
        authenticator = Authenticator(name, self._listener.trusting, gateway, context, config.login_failures)
        self._server = self.server(name, config, gateway, context, authenticator)

    def start(self) -> Deferred[None]:
        return self._listener.start(self._server)

    def stop(self) -> Deferred[None]:
        """Cancelling closes all connections at once."""
        self._server.authenticator.stop()
        return Deferred.fromCoroutine(self._server.stop(self._listener))

    def addresses(self) -> list[str]:
        return self._listener.addresses()

    def read_files(self) -> Callable[[], None]:
        return self._listener.read_files()
