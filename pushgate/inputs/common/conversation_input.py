"""An input with lasting connections of questions and answers, and what they share."""

from typing import Any, ClassVar, Protocol

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.listening_input import ListeningInput
from pushgate.inputs.common.session import Authenticator
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


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

    async def stop(self, *listeners: Listener) -> None:
        """As `Connections.stop`; logins under way are given up."""
        self.authenticator.stop()
        await super().stop(*listeners)


class ConversationInput(ListeningInput):
    """Listens, and closes in order.

    :cvar server: makes the connections.
    :cvar starttls: see `Listener`.
    """

    server: ClassVar[type[ConversationServer]]
    starttls: ClassVar[bool] = False

    def __init__(self, name: str, config: Any, gateway: IGateway, context: Context) -> None:
        listener = Listener(name, config, context, starttls=self.starttls)
        authenticator = Authenticator(name, listener.trusting, gateway, context, config.login_failures)
        super().__init__(listener, self.server(name, config, gateway, context, authenticator))
