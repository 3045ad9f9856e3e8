"""A request at the hub input: which hub it is about, and what its path and query say."""

from typing import Any
from uuid import uuid4

from pushgate.inputs.hub.errors import error_answer
from pushgate.inputs.hub.query import NO_QUERY
from pushgate.model.errors import PushgateError
from pushgate.net.http.codec import RequestHead
from pushgate.net.http.request import AnswerState, ServerRequest
from pushgate.net.http.responses import HTTPResponse
from pushgate.plugin.context import InThread


class HubRequest(ServerRequest):
    """See `ServerRequest`. Its errors are XML, and each answer has an id by which both sides find it.

    :ivar server: what the connections of the input share: `HubServer`.
    :ivar hub: the one that the path names: an `IHub`. None before it is routed.
    :ivar hub_name: the same, as the path spells it.
    :ivar parameters: of the path, by name, decoded.
    :ivar query: its parameters.
    :ivar transport: of its connection.
    """

    def __init__(self, connection: Any, head: RequestHead) -> None:
        super().__init__(connection, head)
        self.server: Any = connection.server
        self.hub: Any = None
        self.hub_name = ""
        self.parameters: dict[str, str] = {}
        self.query = NO_QUERY
        self.transport: Any = connection.transport
        self._host: str | None = None  # as is the next one, found when it is needed, and once
        self._tracking_id = ""

    @property
    def tracking_id(self) -> str:
        """The id of the answer, by which both sides find it."""
        if not self._tracking_id:
            self._tracking_id = str(uuid4())
        return self._tracking_id

    @property
    def host(self) -> str:
        """The host that the request names, with its port if that is not the usual one; "" for none."""
        if self._host is None:
            self._host = next(iter(self.headers(b"host")), "")
        return self._host

    @property
    def in_thread(self) -> InThread:
        """See `Context`."""
        found: InThread = self.server.context.in_thread
        return found

    def address(self, *segments: str) -> str:
        """An address within the hub.

        It begins with ``https``, though the request came without TLS: SDKs take no other.

        :param segments: of the path, encoded as a URL has them.
        """
        base: str = self.server.config.public_url or f"https://{self.host or 'localhost'}"
        return "/".join((base, self.hub_name, *segments))

    def location(self, *segments: str) -> bytes:
        """The value of a ``Location`` header: an address within the hub, as `address`."""
        return self.with_version(self.address(*segments))

    def with_version(self, address: str) -> bytes:
        """An address as ``Location`` has it, with the version of the request."""
        return f"{address}?api-version={self.query.version}".encode()

    def answer(self, answer: HTTPResponse) -> None:
        """Answer with a whole response, and the id of it."""
        tracking = self.tracking_id.encode()
        ids = ((b"trackingid", tracking), (b"x-ms-correlation-request-id", tracking))
        headers = (*answer.headers, *ids)
        super().answer(HTTPResponse(answer.status, answer.body, answer.content_type, headers))

    def refuse(self, error: PushgateError) -> None:
        """Answer with an error; cut short an answer that was begun."""
        if self._answer is AnswerState.NONE:
            self.server.count_error(error)
            self.answer(error_answer(error, self.tracking_id))
        elif self._answer is AnswerState.BEGUN:
            self.abort()
