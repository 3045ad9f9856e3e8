"""Addresses of containers over REST: of the one with feedback, and of new ones for jobs."""

from typing import Final

from pushgate.inputs.hub.addresses import signed_container, signed_feedback
from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, no_body
from pushgate.model.hub.access import Right
from pushgate.net.http.responses import HTTPResponse

TEXT: Final = b"text/plain; charset=utf-8"


def read(request: HubRequest) -> HTTPResponse:
    """The address of the container with the feedback of push services."""
    return HTTPResponse(200, signed_feedback(request).encode(), TEXT)


def make(request: HubRequest) -> HTTPResponse:
    """Make a container for the files of jobs; the answer is its address. Azure has these elsewhere."""
    address = signed_container(request, request.hub.containers.make()).encode()
    return HTTPResponse(201, address, TEXT, ((b"location", address),))


ROUTES: Final = (
    Route("GET", "feedbackcontainer", Right.MANAGE, no_body(read)),
    Route("POST", "containers", Right.MANAGE, no_body(make)),
)
