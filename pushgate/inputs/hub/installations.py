"""Installations over REST: put, patched, read and deleted."""

from typing import Final
from urllib.parse import quote

from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, no_body, takes_body
from pushgate.model.hub.access import Right
from pushgate.net.http.responses import HTTPResponse
from pushgate.protocols.notification_hubs.installation_json import encode
from pushgate.protocols.notification_hubs.installation_json import parse as parse_installation
from pushgate.protocols.notification_hubs.json_patch import parse as parse_patch

JSON: Final = b"application/json; charset=utf-8"


async def put(request: HubRequest, body: bytes) -> HTTPResponse:
    """Keep an installation."""
    await request.hub.put_installation(parse_installation(body, request.parameters["id"]))
    return _done(request)


async def patch(request: HubRequest, body: bytes) -> HTTPResponse:
    """Change parts of an installation."""
    await request.hub.patch_installation(request.parameters["id"], parse_patch(body))
    return _done(request)


async def read(request: HubRequest) -> HTTPResponse:
    """One installation."""
    return HTTPResponse(200, encode(await request.hub.installation(request.parameters["id"])), JSON)


async def delete(request: HubRequest) -> HTTPResponse:
    """Delete an installation, if there is one."""
    await request.hub.delete_installation(request.parameters["id"])
    return HTTPResponse(204, b"", JSON)


def _done(request: HubRequest) -> HTTPResponse:
    location = request.location("installations", quote(request.parameters["id"], safe=""))
    return HTTPResponse(200, b"", JSON, ((b"content-location", location),))


ROUTES: Final = (
    Route("PUT", "installations/{id}", Right.LISTEN, takes_body(put)),
    Route("PATCH", "installations/{id}", Right.LISTEN, takes_body(patch)),
    Route("GET", "installations/{id}", Right.LISTEN, no_body(read)),
    Route("DELETE", "installations/{id}", Right.LISTEN, no_body(delete)),
)
