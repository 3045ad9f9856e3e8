"""A request at the HTTP input: who makes it, and what its path and query say."""

from typing import Any

from pushgate.inputs.common.session_request import SessionRequest
from pushgate.net.http.codec import RequestHead


class HTTPRequest(SessionRequest):
    """See `SessionRequest`.

    :ivar server: what the connections of the input share: `HTTPServices`.
    :ivar parameters: of path and query, by name.
    """

    def __init__(self, connection: Any, head: RequestHead) -> None:
        super().__init__(connection, head)
        self.parameters: dict[str, str] = {}
