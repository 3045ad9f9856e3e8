"""Traces and cancellation of notifications, the state of apps, metrics, and health."""

from typing import Any, Final

from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import ShuttingDown
from pushgate.model.notification import parse_id
from pushgate.net.http.responses import HTTPResponse, json_answer

DAY: Final = 86400.0
"""Seconds."""


async def trace(request: HTTPRequest) -> HTTPResponse:
    """The outcome record of a notification, with its events."""
    found = await request.session.trace(parse_id(request.parameters["id"]))
    return HTTPResponse(200, found.json().encode() + b"\n")


async def cancel(request: HTTPRequest) -> HTTPResponse:
    """Withdraw a notification."""
    done = await request.session.cancel(parse_id(request.parameters["id"]))
    return json_answer(200, {"cancelled": done})


def apps(request: HTTPRequest) -> HTTPResponse:
    """Each app's state."""
    wall = request.connection.server.wall()
    states = request.session.stats()["apps"]
    return json_answer(200, {"apps": {app: _app(state, wall) for app, state in states.items()}})


def _app(state: dict[str, Any], wall: float) -> dict[str, Any]:
    expires = state.get("certificate_expires")
    return state | {"certificate_days": None if expires is None else int((expires - wall) // DAY)}


def metrics(request: HTTPRequest) -> HTTPResponse:
    """All metrics, in a format of Prometheus."""
    accept = ", ".join(
        value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(b"accept", [])
    )
    body, content_type = request.connection.server.exposition.answer(accept)
    return HTTPResponse(200, body, content_type.encode())


def alive(_: HTTPRequest) -> HTTPResponse:
    """Answer that the process runs."""
    return json_answer(200, {"status": "ok"})


def ready(request: HTTPRequest) -> HTTPResponse:
    """Answer that it takes notifications; raise `ShuttingDown` when it does not."""
    server = request.connection.server
    if server.stopping or not server.gateway.accepting():
        raise ShuttingDown
    return json_answer(200, {"status": "ready"})
