"""Sends over REST: to tags, to all, to one handle, to many; now, later, or as a test."""

from typing import Any, Final

from msgspec.structs import replace

from pushgate.inputs.hub.errors import XML
from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, no_body, takes_body
from pushgate.model.errors import Invalid
from pushgate.model.hub.access import Right
from pushgate.model.hub.send import Send, SendRequest, SendTestOutcome
from pushgate.net.http.body_readers import WholeBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import Header, HTTPFault, HTTPResponse
from pushgate.protocols.notification_hubs.multipart_batch import parse_batch
from pushgate.protocols.notification_hubs.outcome_xml import outcome
from pushgate.protocols.notification_hubs.send_headers import (
    HANDLE,
    native,
    parse_direct,
    parse_send,
    passed_on,
    schedule_time,
)

MESSAGES: Final = "messages"
SCHEDULED: Final = "schedulednotifications"
MAX_BATCH_HANDLES: Final = 10_000
"""Handles of a batch that are read at all; the hub has its own limit, which is lower."""


async def send(request: HubRequest, body: bytes) -> HTTPResponse:
    """Accept a send, or carry out a test send."""
    return await _accepted(request, _direct_or_not(request, body))


async def send_batch(request: HubRequest, body: bytes) -> HTTPResponse:
    """Accept a send to the handles that are in the body too."""
    headers = _headers(request)
    found = parse_batch(headers.get("content-type", ""), body, MAX_BATCH_HANDLES)
    batch = SendRequest(
        body=found.body, platform=native(headers), handles=found.handles, headers=passed_on(headers)
    )
    return await _accepted(request, batch)


async def schedule(request: HubRequest, body: bytes) -> HTTPResponse:
    """Accept a send for later."""
    wanted = replace(_direct_or_not(request, body), scheduled_for=schedule_time(_headers(request)))
    accepted: Send = await request.hub.send(wanted)
    return _made(request, SCHEDULED, accepted.id)


async def cancel(request: HubRequest) -> HTTPResponse:
    """Cancel a scheduled send."""
    if not await request.hub.cancel(request.parameters["id"]):
        raise HTTPFault(409, "notification: it is not scheduled any more, or never was")
    return HTTPResponse(200, b"", XML)


def _direct_or_not(request: HubRequest, body: bytes) -> SendRequest:
    headers = _headers(request)
    if request.query.flag("direct"):
        return parse_direct(headers, body)
    if headers.get(HANDLE.lower()):
        # Without the flag it would go to all devices.
        raise Invalid(HANDLE, "there without ?direct", "the flag direct in the query too")
    return parse_send(headers, body)


def _headers(request: HubRequest) -> dict[str, str]:
    """The headers of a request by name in lower case; of one that is there twice the first counts."""
    found: dict[str, str] = {}
    for name, value in request.head.headers:
        found.setdefault(name.decode("latin-1").lower(), value.decode("utf-8", "replace"))
    return found


async def _accepted(request: HubRequest, found: SendRequest) -> HTTPResponse:
    if request.query.flag("test"):
        tested: SendTestOutcome = await request.hub.test_send(found)
        return _made(request, MESSAGES, tested.id, outcome(tested))
    accepted: Send = await request.hub.send(found)
    return _made(request, MESSAGES, accepted.id)


def _made(request: HubRequest, collection: str, number: str, body: bytes = b"") -> HTTPResponse:
    location: Header = (b"location", request.location(collection, number))
    return HTTPResponse(201, body, XML, (location,))


def _read_batch(request: HubRequest) -> BodyReader:
    """As `takes_body`, for a body that has a notification and many handles in it."""

    def run(request: Any, body: bytes) -> None:
        request.run(send_batch(request, body))

    config = request.server.config
    return WholeBody(request, run, max(config.max_body, config.max_batch), request.server.reserve)


ROUTES: Final = (
    Route("POST", "messages", Right.SEND, takes_body(send)),
    Route("POST", "messages/$batch", Right.SEND, _read_batch),
    Route("POST", "schedulednotifications", Right.SEND, takes_body(schedule)),
    Route("DELETE", "schedulednotifications/{id}", Right.SEND, no_body(cancel)),
)
