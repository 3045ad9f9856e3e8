"""One method of one path of a hub, and how it is declared."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import msgspec

from pushgate.inputs.hub.request import HubRequest
from pushgate.model.hub.access import Right
from pushgate.net.http.body_readers import NoBody, WholeBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPResponse

Answering = Coroutine[Any, Any, HTTPResponse]


class Route(msgspec.Struct, frozen=True):
    """One method of one path.

    :param path: behind the hub's name: ``"registrations/{id}"``. Its fixed parts match in any case,
        ``{name}`` is one segment, and ``{name*}`` one or more.
    :param right: what the rule must permit whose key signed the request, or what says so of a request; None:
        the reader decides.
    :param reader: makes the reader of the body, which answers.
    """

    method: str
    path: str
    right: Right | Callable[[HubRequest], Right] | None
    reader: Callable[[HubRequest], BodyReader]


def takes_body(handle: Callable[[HubRequest, bytes], Answering]) -> Callable[[HubRequest], BodyReader]:
    """A reader that answers with what a coroutine makes of the whole body."""

    def run(request: HubRequest, body: bytes) -> None:
        request.run(handle(request, body))

    def reader(request: HubRequest) -> BodyReader:
        return WholeBody(request, run, request.server.config.max_body, request.server.reserve)

    return reader


def no_body(handle: Callable[[HubRequest], Answering | HTTPResponse]) -> Callable[[HubRequest], BodyReader]:
    """A reader that refuses a body, and answers with what `handle` or its coroutine returns."""
    return partial(NoBody, handle=handle)
