"""Registrations over REST: made, updated, read, listed and deleted."""

from typing import Final

from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, takes_body
from pushgate.model.hub.access import Right
from pushgate.net.http.responses import HTTPResponse


async def create_id(request: HubRequest, _body: bytes) -> HTTPResponse:
    """Give out a registration id."""
    number = await request.hub.create_registration_id()
    location = request.location("registrationids", number)
    return HTTPResponse(201, b"", headers=((b"location", location), (b"content-location", location)))


ROUTES: Final = (Route("POST", "registrationids", Right.LISTEN, takes_body(create_id)),)
