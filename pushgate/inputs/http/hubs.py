"""Hubs over HTTP: sends to tags, registrations, installations, and what is known of them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pushgate.inputs.common import hub_arguments, hub_calls
from pushgate.inputs.common.hub_calls import find_hub
from pushgate.inputs.common.hub_json import check_id, payload_of, read_registration, send_request
from pushgate.inputs.common.json_terms import Number, decoded
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import Invalid, ShuttingDown
from pushgate.model.principals import Operation
from pushgate.net.http.body_readers import WholeBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse, json_answer
from pushgate.plugin.hub_interface import IHub

MAX_BODY: Final = 256 << 10
"""Bytes of a registration, installation or send at most."""

Handle = Callable[[HTTPRequest, bytes], Awaitable[HTTPResponse]]
"""Answers a request with a body."""


class _Send(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    payload: msgspec.Raw
    expression: str | None = None
    headers: dict[str, str] | None = None
    schedule: Number | None = None
    test: bool = False


_decode: Final = msgspec.json.Decoder(_Send).decode


def takes_body(operation: Operation, handle: Handle) -> Callable[[HTTPRequest], BodyReader]:
    """The reader of a request with a body in JSON, for a hub that the caller may use."""
    return partial(_reader, operation, handle)


def _reader(operation: Operation, handle: Handle, request: HTTPRequest) -> BodyReader:
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPFault(415, "content-type: application/json")
    _hub(request, operation)

    def run(request: Any, body: bytes) -> None:
        request.run(handle(request, body))

    return WholeBody(request, run, MAX_BODY, request.server.reserve)


def asked(method: str, arguments: Callable[[HTTPRequest], Any]) -> Callable[[HTTPRequest], Any]:
    """A handler that answers with what a hub is called for.

    :param arguments: makes them of the request.
    """
    call = hub_calls.CALLS[method]

    async def handle(request: HTTPRequest) -> HTTPResponse:
        return json_answer(200, await call.run(_hub(request, call.operation), arguments(request)))

    return handle


async def send(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Accept a send, or carry out a test send."""
    hub = _hub(request, Operation.PUSH)
    if request.server.stopping:
        raise ShuttingDown
    given: _Send = decoded(_decode, body, "body", _Send.__struct_fields__[2:])
    payload = payload_of(given.payload)
    wanted = send_request(given.format, payload, given.expression, given.headers, given.schedule)
    request.session.charge(1)
    return json_answer(200 if given.test else 202, await hub_calls.send(hub, wanted, given.test))


async def create_registration(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Keep a registration under a new id."""
    hub, given = _hub(request, Operation.ADMIN), read_registration(body)
    return json_answer(201, await hub_calls.keep(hub, replace(given, id=""), None))


async def put_registration(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Keep a registration under the id of the path."""
    hub, given = _hub(request, Operation.ADMIN), read_registration(body)
    number = check_id("id", request.parameters["id"])
    return json_answer(200, await hub_calls.keep(hub, replace(given, id=number), _if_match(request)))


async def put_installation(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Keep an installation under the id of the path."""
    hub = _hub(request, Operation.ADMIN)
    put = hub_arguments.PutInstallation(id=request.parameters["id"], installation=msgspec.Raw(body))
    return json_answer(200, await hub_calls.put_installation(hub, put))


def one(request: HTTPRequest) -> hub_arguments.OneId:
    """The id of the path, and the ETag that it is to have."""
    return hub_arguments.OneId(request.parameters["id"], _if_match(request))


def query(request: HTTPRequest) -> hub_arguments.Query:
    """Which registrations are asked for."""
    found = request.parameters
    names = ("platform", "handle", "tag")
    return hub_arguments.Query(
        **{name: found.get(name) for name in names}, limit=_limit(request), after=found.get("after", "")
    )


def recent(request: HTTPRequest) -> hub_arguments.Recent:
    """Which sends are asked for."""
    text = request.parameters.get("scheduled", "false")
    if text not in ("true", "false"):
        raise Invalid("scheduled", f"text of {len(text)} characters", "true or false")
    return hub_arguments.Recent(scheduled=text == "true", limit=_limit(request))


def listed(request: HTTPRequest) -> hub_arguments.Listed:
    """Which tags are asked for."""
    return hub_arguments.Listed(after=request.parameters.get("after", ""), limit=_limit(request))


def counted(request: HTTPRequest) -> hub_arguments.Counted:
    """Which registrations are counted."""
    return hub_arguments.Counted(request.parameters.get("expression"))


def _hub(request: HTTPRequest, operation: Operation) -> IHub:
    return find_hub(request.server.hubs, request.session, operation, request.parameters["hub"])


def _limit(request: HTTPRequest) -> int:
    text = request.parameters.get("limit", "100")
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Invalid("limit", f"text of {len(text)} characters", f"1 to {hub_calls.MAX_PAGE}")
    return int(text)


def _if_match(request: HTTPRequest) -> str | None:
    """The ETag of ``If-Match``, without its quotes; None without one."""
    text = request.header(b"if-match")
    return None if text is None else text.strip().removeprefix("W/").strip('"')
