"""The state that the connections of one HTTP input share."""

from collections.abc import Callable
from typing import Any

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.connections import Connections
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.outcome_waits import OutcomeWaits
from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.errors import Overloaded
from pushgate.net.http.bounds import HTTPBounds
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.codec import Header
from pushgate.net.http.date_header import DateHeader
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.prometheus import Exposition
from pushgate.plugin.interfaces import Context, IGateway


class HTTPServices(Connections):
    """The state that the connections of one input share.

    :ivar find_reader: returns the reader of a request's body; raises an error for a fault of its head.
    :ivar guard: refuses what a browser was made to send.
    :ivar watch: answers a request with outcomes as they come.
    """

    find_reader: Callable[[Any], BodyReader]
    guard: BrowserGuard
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
        self._date = DateHeader(self.clock, self.wall)
        self.unsent = 0
        self.bounds = HTTPBounds(
            idle_timeout=config.idle_timeout,
            header_timeout=config.header_timeout,
            body_timeout=config.body_timeout,
            unread_timeout=config.unread_timeout,
        )

    def common_headers(self) -> tuple[Header, ...]:
        """Headers of every answer."""
        return ((b"date", self._date()), (b"cache-control", b"no-store"))

    def reserve(self, size: int) -> None:
        """Take room for bytes of a body; `size` below zero gives it back.

        :raises Overloaded: there is none.
        """
        if size > 0 and self._body_bytes + size > self.config.max_bodies:
            raise Overloaded("bodies being read (bytes)", self._body_bytes, self.config.max_bodies)
        self._body_bytes += size
