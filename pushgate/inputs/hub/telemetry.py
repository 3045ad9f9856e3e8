"""Telemetry over REST: what became of a send."""

from typing import Final

from pushgate.inputs.hub.addresses import signed_file
from pushgate.inputs.hub.errors import XML
from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, no_body
from pushgate.model.hub.access import Right
from pushgate.model.hub.send import SendDetails
from pushgate.net.http.responses import HTTPResponse
from pushgate.protocols.notification_hubs.telemetry_xml import details


async def read(request: HubRequest) -> HTTPResponse:
    """The state of a send, its outcomes so far, and where the errors of push services are."""
    found: SendDetails = await request.hub.details(request.parameters["id"])
    errors = signed_file(request, found.send.id) if found.has_errors else ""
    location = request.location("messages", found.send.id).decode()
    return HTTPResponse(200, details(found, location, errors), XML)


ROUTES: Final = (Route("GET", "messages/{id}", Right.SEND, no_body(read)),)
