"""What became of a notification, how the apps are, and whether the gateway is well."""

from typing import Any, Final

from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import ShuttingDown
from pushgate.model.notification import parse_id
from pushgate.net.http.responses import HTTPResponse, json_answer

DAY: Final = 86400.0
"""Seconds."""


async def story(request: HTTPRequest) -> HTTPResponse:
    """The outcome record of a notification, and how it came to it."""
    trace = await request.visitor.trace(parse_id(request.parameters["id"]))
    return HTTPResponse(200, trace.json().encode() + b"\n")


async def cancel(request: HTTPRequest) -> HTTPResponse:
    """Withdraw a notification."""
    done = await request.visitor.cancel(parse_id(request.parameters["id"]))
    return json_answer(200, {"cancelled": done})


def apps(request: HTTPRequest) -> HTTPResponse:
    """Each app's state."""
    wall = request.connection.server.wall()
    states = request.visitor.stats()["apps"]
    return json_answer(200, {"apps": {app: _app(state, wall) for app, state in states.items()}})


def _app(state: dict[str, Any], wall: float) -> dict[str, Any]:
    expires = state.get("certificate_expires")
    return state | {"certificate_days": None if expires is None else int((expires - wall) // DAY)}


def metrics(request: HTTPRequest) -> HTTPResponse:
    """All metrics, as Prometheus wants them."""
    accept = ", ".join(
        value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(b"accept", [])
    )
    body, content_type = request.connection.server.exposition.answer(accept)
    return HTTPResponse(200, body, content_type.encode())


def alive(_: HTTPRequest) -> HTTPResponse:
    """The process answers."""
    return json_answer(200, {"status": "ok"})


def ready(request: HTTPRequest) -> HTTPResponse:
    """It takes notifications; raise `ShuttingDown` when it does not any more."""
    server = request.connection.server
    if server.stopping or not server.gateway.accepting():
        raise ShuttingDown
    return json_answer(200, {"status": "ready"})
