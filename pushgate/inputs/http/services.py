"""The state that the connections of one HTTP input share, and the interface of what reads bodies."""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.web import http

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.outcome_waits import OutcomeWaits
from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.errors import Overloaded
from pushgate.net.prometheus import Exposition
from pushgate.plugin.interfaces import Context, IGateway


class BodyReader(Protocol):
    """Reads the body of one request, and answers it."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes. An exception becomes the answer, as in `end`."""

    def end(self) -> None:
        """The body is complete."""

    def close(self) -> None:
        """Nothing more comes: the body was complete, or is not wanted, or the peer is gone."""


class HTTPServices(Connections):
    """The state that the connections of one input share.

    :ivar reader: returns the reader of a request's body; raises an error for a fault of its head.
    :ivar watch: answers a request with outcomes as they come.
    """

    reader: Callable[[Any], BodyReader]
    watch: Callable[[Any], None]

    def __init__(
        self, name: str, config: HTTPTable, gateway: IGateway, context: Context, authenticator: Authenticator
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config, self.authenticator = config, authenticator
        self.batcher = Batcher(lambda submission: gateway.submit(submission, name), self.clock)
        self.waits = OutcomeWaits(f"{name}.wait", gateway, self.clock)
        self.exposition = Exposition(context.metrics, gateway.stats)
        self._body_bytes = 0
        self._date, self._date_until = b"", 0.0

    def now(self) -> float:
        """Monotonic seconds."""
        return self.clock.seconds()

    def reserve(self, size: int) -> None:
        """Take room for bytes of a body; `size` below zero gives it back.

        :raises Overloaded: there is none.
        """
        if size > 0 and self._body_bytes + size > self.config.max_bodies:
            raise Overloaded("bodies being read (bytes)", self._body_bytes, self.config.max_bodies)
        self._body_bytes += size

    def date(self) -> bytes:
        """The time as headers have it."""
        now = self.now()
        if now >= self._date_until:
            self._date, self._date_until = http.datetimeToString(self.wall()), now + 1.0
        return self._date
