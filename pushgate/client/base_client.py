"""What the clients for programs without a reactor have in common: how one is made, and what it can do."""

import random
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable

from pushgate.client.byte_stream import Runtime
from pushgate.client.gateway_calls import GatewayCalls
from pushgate.client.operations import Operations
from pushgate.client.watching import Watching
from pushgate.model.backoff import Jitter


class BaseClient(ABC):
    """A gateway. Connections are made when they are needed, and kept; each command has one to itself.

    One that a lost connection cuts off is repeated when that is harmless: a push with an idempotency key is
    accepted once however often it is sent. Without a key it fails with `FateUnknown`.

    :param url: ``amp://HOST:PORT`` or ``http://HOST:PORT``; with TLS ``amps://`` or ``https://``.
    :param login: name and secret of the principal to be, where the gateway requires a login.
    :param tls: how to verify the gateway, and a certificate of the client's own; by default the system's
        authorities are trusted and the host name is verified.
    :param timeout: seconds until a command must have its answer.
    :param retry_for: seconds for which a gateway that is overloaded or restarts is asked again; 0 fails with
        `Overloaded` or `ShuttingDown` at once.
    :param connections: at most; commands beyond them wait for their turn.
    :param jitter: a number from 0 to 1, new at each call.
    :raises ValueError: `url` is none of these.
    """

    def __init__(
        self,
        url: str = "amp://127.0.0.1:7215",
        *,
        login: tuple[str, bytes] | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 60.0,
        retry_for: float = 30.0,
        connections: int = 8,
        jitter: Jitter = random.random,
    ) -> None:
        self._gateway = GatewayCalls(
            url,
            self._runtime(connections),
            jitter,
            login=login,
            tls=tls,
            timeout=timeout,
            retry_for=retry_for,
        )
        self._operations = Operations(self._gateway)

    async def _watching(self, app: str | None, missed: Callable[[str], object] | None) -> Watching:
        watching = Watching(self._gateway, app, missed)
        await watching.start()
        return watching

    @abstractmethod
    def _runtime(self, connections: int) -> Runtime:
        """How the program waits, and connects."""
