"""Requests to the simulator's services as they come, with what its record leaves out: secrets and ciphertext."""

from collections.abc import Callable
from typing import Any

import msgspec

from pushgate.net.http.codec import RequestHead
from pushgate.simulator.service import Simulator
from pushgate.simulator.services.names import Call


class SeenRequest(msgspec.Struct, frozen=True):
    """One of them.

    :param call: what it was for.
    :param over: ``http1`` or ``http2``.
    :param headers: names in small letters; HTTP/2's ``:authority`` is ``host``.
    """

    call: Call
    over: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """Of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def scheme(self) -> str:
        """How it authenticates, in small letters."""
        return self.headers.get("authorization", "").partition(" ")[0].lower()


class RequestTap:
    """Keeps every request that a simulator gets, answered as ever.

    :ivar seen: in their order.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.seen: list[SeenRequest] = []
        desk = simulator._desk
        self._ask: Callable[..., Any] = desk.ask
        desk.ask = self._keep

    def taken(self) -> list[SeenRequest]:
        """All since the last call."""
        seen, self.seen = self.seen, []
        return seen

    def _keep(self, connection: int, over: str, head: RequestHead, body: bytes) -> Any:
        rule, judged = self._ask(connection, over, head, body)
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        assert len(headers) == len(head.headers), "a header twice"
        method, path = head.method.decode(), head.target.decode()
        self.seen.append(SeenRequest(judged.call, over, method, path, headers, body))
        return rule, judged
