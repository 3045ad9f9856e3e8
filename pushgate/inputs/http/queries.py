"""Traces and cancellation of notifications, the state of apps, metrics, and health."""

from typing import Any, Final

from msgspec import Raw

from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.dead_token import json_line
from pushgate.model.errors import ShuttingDown
from pushgate.model.notification import parse_id
from pushgate.model.principals import Operation
from pushgate.net.http.responses import HTTPResponse, json_answer

MAX_ENTRIES: Final = 1000
"""Dead tokens of one answer at most."""
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


async def flush(request: HTTPRequest) -> HTTPResponse:
    """Have proven what the app of a notification has written."""
    number = parse_id(request.parameters["id"])
    await request.session.check(Operation.ADMIN, number)
    return json_answer(200, {"proven": await request.server.gateway.flush(number)})


def dead_tokens(request: HTTPRequest) -> HTTPResponse:
    """A page of the dead tokens of an app."""
    app, gateway = request.parameters["app"], request.server.gateway
    rules = gateway.rules(app)
    after = request.parameters.get("after")
    behind = b"" if after is None else rules.parse_target(after, "after")
    dead = gateway.dead_tokens(app, behind, MAX_ENTRIES + 1)
    entries = [Raw(json_line(entry, rules.form).encode()) for entry in dead[:MAX_ENTRIES]]
    return json_answer(200, {"form": rules.form, "entries": entries, "more": len(dead) > MAX_ENTRIES})


def stats(request: HTTPRequest) -> HTTPResponse:
    """How the gateway is doing."""
    return json_answer(200, request.session.stats())


def apps(request: HTTPRequest) -> HTTPResponse:
    """Each app's state."""
    wall = request.server.wall()
    states = request.session.stats()["apps"]
    return json_answer(200, {"apps": {app: _app(state, wall) for app, state in states.items()}})


def _app(state: dict[str, Any], wall: float) -> dict[str, Any]:
    expires = state.get("certificate_expires")
    return state | {"certificate_days": None if expires is None else int((expires - wall) // DAY)}


def metrics(request: HTTPRequest) -> HTTPResponse:
    """The metrics of the apps that the caller may read of, in a format of Prometheus.

    Of all where the path is open and the caller has not logged in: then it is meant to be.
    """
    sees = request.session.sees if request.session.principal is not None else (lambda _: True)
    accept = ", ".join(request.headers(b"accept"))
    body, content_type = request.server.exposition.answer(accept, sees)
    return HTTPResponse(200, body, content_type.encode())


def alive(_: HTTPRequest) -> HTTPResponse:
    """Answer that the process runs."""
    return json_answer(200, {"status": "ok"})


def ready(request: HTTPRequest) -> HTTPResponse:
    """Answer that it takes notifications; raise `ShuttingDown` when it does not."""
    server = request.server
    if server.stopping or not server.gateway.accepting():
        raise ShuttingDown
    return json_answer(200, {"status": "ready"})
