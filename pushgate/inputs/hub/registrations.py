"""Registrations over REST: made, updated, read, listed and deleted."""

from typing import Any, Final
from urllib.parse import quote, unquote

from msgspec.structs import replace

from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, no_body, takes_body
from pushgate.model.hub.access import Right
from pushgate.model.hub.registration import Registration, RegistrationPage, RegistrationQuery
from pushgate.net.http.etag import if_match
from pushgate.net.http.responses import Header, HTTPResponse
from pushgate.protocols.notification_hubs.filters import parse as parse_filter
from pushgate.protocols.notification_hubs.registration_xml import ENTRY, FEED, entry, feed, read_entry

PAGE: Final = 100
"""Registrations of a list at a time, at most."""


async def create_id(request: HubRequest, _body: bytes) -> HTTPResponse:
    """Give out a registration id."""
    return _made(request, "registrationids", await request.hub.create_registration_id())


async def create(request: HubRequest, body: bytes) -> HTTPResponse:
    """Keep a new registration."""
    kept = await request.hub.create_registration(replace(read_entry(body), id="", etag=""))
    return _entry(request, kept, 201)


async def put(request: HubRequest, body: bytes) -> HTTPResponse:
    """Keep a registration under its id; with ``If-Match`` only in the place of an earlier one."""
    registration = replace(read_entry(body), id=request.parameters["id"], etag="")
    return _entry(
        request, await request.hub.put_registration(registration, if_match(request.header(b"if-match"))), 200
    )


async def read(request: HubRequest) -> HTTPResponse:
    """One registration."""
    return _entry(request, await request.hub.registration(request.parameters["id"]), 200)


async def delete(request: HubRequest) -> HTTPResponse:
    """Delete a registration."""
    await request.hub.delete_registration(request.parameters["id"], if_match(request.header(b"if-match")))
    return HTTPResponse(200, b"", ENTRY)


async def read_all(request: HubRequest) -> HTTPResponse:
    """All registrations, or those of one handle."""
    text = request.query.text("filter")
    if not text:
        return await _page(request)
    platform, handle = parse_filter(text)
    return await _page(request, platform=platform, handle=handle)


async def read_tagged(request: HubRequest) -> HTTPResponse:
    """The registrations with a tag."""
    return await _page(request, tag=request.parameters["tag"])


def _right_to_read(request: HubRequest) -> Right:
    """A device may look for its own registrations; all of them are for who manages the hub."""
    return Right.LISTEN if request.query.text("filter") else Right.MANAGE


async def _page(request: HubRequest, **conditions: Any) -> HTTPResponse:
    query = RegistrationQuery(
        top=request.query.number("top", PAGE, PAGE),
        after=unquote(request.query.text("continuationtoken") or ""),
        **conditions,
    )
    page: RegistrationPage = await request.hub.registrations(query)
    headers: tuple[Header, ...] = ()
    if page.next:
        headers = ((b"x-ms-continuationtoken", quote(page.next, safe="").encode()),)
    body = feed(page.registrations, request.address("registrations"), request.server.wall())
    return HTTPResponse(200, body, FEED, headers)


def _made(request: HubRequest, collection: str, number: str) -> HTTPResponse:
    location = request.location(collection, number)
    return HTTPResponse(201, b"", ENTRY, ((b"location", location), (b"content-location", location)))


def _entry(request: HubRequest, registration: Registration, status: int) -> HTTPResponse:
    address = request.address("registrations", quote(registration.id, safe=""))
    body, location = entry(registration, address, request.server.wall()), request.with_version(address)
    headers: tuple[Header, ...] = (
        (b"etag", f'"{registration.etag}"'.encode()),
        (b"content-location", location),
    )
    if status == 201:
        headers = (*headers, (b"location", location))
    return HTTPResponse(status, body, ENTRY, headers)


ROUTES: Final = (
    Route("POST", "registrationids", Right.LISTEN, takes_body(create_id)),
    Route("POST", "registrations", Right.LISTEN, takes_body(create)),
    Route("GET", "registrations", _right_to_read, no_body(read_all)),
    Route("PUT", "registrations/{id}", Right.LISTEN, takes_body(put)),
    Route("GET", "registrations/{id}", Right.LISTEN, no_body(read)),
    Route("DELETE", "registrations/{id}", Right.LISTEN, no_body(delete)),
    Route("GET", "tags/{tag*}/registrations", Right.MANAGE, no_body(read_tagged)),
)
