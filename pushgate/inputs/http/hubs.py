"""Hubs over HTTP: sends to tags, registrations, installations, and what is known of them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pushgate.inputs.common import hub_calls
from pushgate.inputs.common.hub_calls import MAX_PAGE, check_id
from pushgate.inputs.common.hubs import permitted_hub
from pushgate.inputs.common.json_terms import Number, decoded
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import Invalid, ShuttingDown
from pushgate.model.hub.registration import RegistrationPage, RegistrationQuery
from pushgate.model.hub.send import SendRequest
from pushgate.model.principals import Operation
from pushgate.net.http.body_readers import WholeBody
from pushgate.net.http.etag import if_match
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse, json_answer
from pushgate.plugin.hub_interface import IHub
from pushgate.protocols.notification_hubs import installation_json, registration_json
from pushgate.protocols.notification_hubs.platform_names import parse_format, parse_platform
from pushgate.protocols.notification_hubs.send_json import checked_headers, details_document, send_document

MAX_BODY: Final = 256 << 10
"""Bytes of a registration, installation or send at most."""

Handle = Callable[[HTTPRequest, bytes], Awaitable[HTTPResponse]]
"""Answers a request with a body."""
Ask = Callable[[IHub, HTTPRequest], Awaitable[Any]]
"""Does what a request without a body asks for; returns what is answered, for JSON."""


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


def asked(operation: Operation, ask: Ask) -> Callable[[HTTPRequest], Any]:
    """A handler of requests without a body, for a hub that the caller may use."""

    async def handle(request: HTTPRequest) -> HTTPResponse:
        return json_answer(200, await ask(_hub(request, operation), request))

    return handle


async def send(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Accept a send, or carry out a test send."""
    hub = _hub(request, Operation.PUSH)
    if request.server.stopping:
        raise ShuttingDown
    given: _Send = decoded(_decode, body, "body", _Send.__struct_fields__[2:])
    wanted = SendRequest(
        body=_payload(given.payload),
        platform=parse_format(given.format, "format"),
        expression=(given.expression or "").strip() or None,
        headers=checked_headers(given.headers or {}),
        scheduled_for=None if given.schedule is None else float(given.schedule),
    )
    request.session.charge(1)
    return json_answer(200 if given.test else 202, await hub_calls.send(hub, wanted, given.test))


async def create_registration(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Keep a registration under a new id."""
    hub, given = _hub(request, Operation.ADMIN), registration_json.parse(body)
    kept = await hub_calls.keep(hub, replace(given, id=""))
    return json_answer(201, registration_json.to_document(kept))


async def put_registration(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Keep a registration under the id of the path."""
    hub, given = _hub(request, Operation.ADMIN), registration_json.parse(body)
    number = check_id("id", request.parameters["id"])
    kept = await hub_calls.keep(hub, replace(given, id=number), if_match(request.header(b"if-match")))
    return json_answer(200, registration_json.to_document(kept))


async def put_installation(request: HTTPRequest, body: bytes) -> HTTPResponse:
    """Keep an installation under the id of the path."""
    hub = _hub(request, Operation.ADMIN)
    number = check_id("id", request.parameters["id"])
    await hub.put_installation(installation_json.parse(body, number))
    return json_answer(200, {"id": number})


async def details(hub: IHub, request: HTTPRequest) -> Any:
    """The state of a send, and its outcomes."""
    return details_document(await hub.details(request.parameters["id"]))


async def cancel(hub: IHub, request: HTTPRequest) -> Any:
    """Cancel a scheduled send."""
    return {"cancelled": await hub.cancel(request.parameters["id"])}


async def sends(hub: IHub, request: HTTPRequest) -> Any:
    """The latest sends, or those that are scheduled next."""
    text = request.parameters.get("scheduled", "false")
    if text not in ("true", "false"):
        raise Invalid("scheduled", f"text of {len(text)} characters", "true or false")
    return {"sends": [send_document(each) for each in await hub.sends(text == "true", _limit(request))]}


async def registrations(hub: IHub, request: HTTPRequest) -> Any:
    """A page of registrations."""
    found = request.parameters
    if "handle" in found and "platform" not in found:
        raise Invalid("handle", "without a platform", "the platform too, which says how it is written")
    platform = parse_platform(found["platform"]) if "platform" in found else None
    handle = found.get("handle")
    page: RegistrationPage = await hub.registrations(
        RegistrationQuery(
            platform=platform,
            handle=registration_json.parse_handle(platform, handle) if platform and handle else None,
            tag=found.get("tag"),
            top=_limit(request),
            after=found.get("after", ""),
        )
    )
    listed = [registration_json.to_document(each) for each in page.registrations]
    return {"registrations": listed, "next": page.next}


async def registration(hub: IHub, request: HTTPRequest) -> Any:
    """One registration."""
    return registration_json.to_document(await hub.registration(request.parameters["id"]))


async def delete_registration(hub: IHub, request: HTTPRequest) -> Any:
    """Delete a registration."""
    await hub.delete_registration(request.parameters["id"], if_match(request.header(b"if-match")))
    return {"deleted": True}


async def installation(hub: IHub, request: HTTPRequest) -> Any:
    """One installation."""
    return installation_json.to_document(await hub.installation(request.parameters["id"]))


async def delete_installation(hub: IHub, request: HTTPRequest) -> Any:
    """Delete an installation, if there is one."""
    await hub.delete_installation(request.parameters["id"])
    return {"deleted": True}


async def tags(hub: IHub, request: HTTPRequest) -> Any:
    """Tags, each with the number of its registrations."""
    limit = _limit(request)
    found = await hub.tags(request.parameters.get("after", ""), limit)
    return {"tags": found, "next": found[-1][0] if len(found) == limit else ""}


async def count(hub: IHub, request: HTTPRequest) -> Any:
    """How many registrations an expression finds, by platform."""
    found = await hub.count(request.parameters.get("expression", "").strip() or None)
    return {"platforms": found, "total": sum(found.values())}


def _payload(value: msgspec.Raw) -> bytes:
    """The body of a send: an object as it stands, or what a text says."""
    data = bytes(value).strip()
    if data.startswith(b'"'):
        return msgspec.json.decode(data, type=str).encode()
    if not data.startswith(b"{"):
        raise Invalid("payload", "neither an object nor a text", "what the push service takes, or properties")
    return data


def _hub(request: HTTPRequest, operation: Operation) -> IHub:
    return permitted_hub(request.session, request.server.hubs, request.parameters["hub"], operation)


def _limit(request: HTTPRequest) -> int:
    text = request.parameters.get("limit", "100")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_PAGE):
        raise Invalid("limit", f"text of {len(text)} characters", f"1 to {MAX_PAGE}")
    return int(text)
