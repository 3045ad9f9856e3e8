"""The state that the connections of one HTTP input share."""

from collections.abc import Callable
from typing import Any

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.http_connections import HTTPConnections
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.http.console.console import Console
from pushgate.inputs.http.outcome_waits import OutcomeWaits
from pushgate.inputs.http.settings import HTTPTable
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.prometheus import Exposition
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class HTTPServices(HTTPConnections):
    """The state that the connections of one input share.

    :ivar find_reader: returns the reader of a request's body; raises an error for a fault of its head.
    :ivar guard: refuses what a browser was made to send.
    :ivar console: the console; None where it is not served.
    :ivar watch: answers a request with outcomes as they come.
    """

    find_reader: Callable[[Any], BodyReader]
    guard: BrowserGuard
    console: Console | None
    watch: Callable[[Any], None]

    def __init__(
        self, name: str, config: HTTPTable, gateway: IGateway, context: Context, authenticator: Authenticator
    ) -> None:
        super().__init__(name, config, gateway, context)
        self.config, self.authenticator = config, authenticator
        self.batcher = Batcher(lambda submission: gateway.submit(submission, name), self.clock)
        self.waits = OutcomeWaits(f"{name}.wait", gateway, self.clock)
        self.exposition = Exposition(context.metrics, gateway.stats)
