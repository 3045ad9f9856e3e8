"""The table of methods and paths, and the way from a request to its route."""

import re
from typing import Final
from urllib.parse import unquote

from pushgate.inputs.common.http_authentication import authenticate
from pushgate.inputs.http import channels, enrolments, queries
from pushgate.inputs.http.console.console import Console
from pushgate.inputs.http.hub_routes import ROUTES as HUB_ROUTES
from pushgate.inputs.http.ndjson_body import NDJSONBody
from pushgate.inputs.http.openapi import Described, document
from pushgate.inputs.http.query_parameters import query_parameters
from pushgate.inputs.http.request import HTTPRequest
from pushgate.inputs.http.route import Route, asks
from pushgate.inputs.http.schema_parts import json_of, text_of
from pushgate.inputs.http.submit import push
from pushgate.model.errors import Invalid
from pushgate.model.principals import Operation
from pushgate.net.http.body_readers import WholeBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse, json_answer


def find_reader(request: HTTPRequest) -> BodyReader:
    """Check the head of a request; return the reader of its body.

    :raises HTTPFault: there is no such path, or it has no such method.
    :raises Invalid: a parameter is not one of this route.
    :raises Forbidden: the caller may not do this.
    """
    console: Console | None = request.server.console
    path, _, query_text = request.head.target.decode("latin-1").partition("?")
    if console is not None and console.serves(path):
        return console.find_reader(request, path, query_text)
    query = query_parameters(query_text)
    request.server.guard.check(request)
    methods, parameters = _find_path(path)
    method = request.head.method.decode("latin-1")
    route = methods.get("GET" if method == "HEAD" else method)
    if route is None:
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
        raise HTTPFault(405, f"method: not one of {allowed}", (b"Allow", allowed.encode()))
    ignored = authenticate(request)
    if ignored is not None:
        return ignored
    for name in query:
        if name not in route.described.query:
            known = ", ".join(route.described.query) or "none"
            raise Invalid("query", "a parameter that is none of this request", known)
    request.parameters = parameters | query
    if path not in request.server.config.open_paths:
        request.session.permit(route.operation, request.parameters.get("app"))
    return route.reader(request)


def _find_path(path: str) -> tuple[dict[str, Route], dict[str, str]]:
    methods = _FIXED.get(path)
    if methods is not None:
        return methods, {}
    for pattern, methods in _PATTERNS:
        if match := pattern.fullmatch(path):
            return methods, {name: unquote(text) for name, text in match.groupdict().items()}
    raise HTTPFault(404, "path: there is nothing here; /openapi.json says what there is")


def _read_push(request: HTTPRequest) -> BodyReader:
    encoding = request.header(b"content-encoding")
    if encoding not in (None, "identity"):
        raise HTTPFault(415, "content-encoding: only identity")
    # Required: a page of another origin can have a browser post without one, or as text/plain.
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind == "application/x-ndjson":
        return NDJSONBody(request)
    if kind != "application/json":
        raise HTTPFault(415, "content-type: application/json or application/x-ndjson")
    return WholeBody(request, push, request.server.config.max_body, request.server.reserve)


def _describe(_: HTTPRequest) -> HTTPResponse:
    return json_answer(200, document([route.described for route in ROUTES]))


def _watch(request: HTTPRequest) -> None:
    request.server.watch(request)


_CHANNELS: Final = "/v1/apps/{app}/channels"
_CHANNEL: Final = "/v1/apps/{app}/channels/{channel}"
_NOTIFICATION: Final = "/v1/notifications/{id}"
_RECEIPT: Final = json_of("Receipt")

ROUTES: Final = (
    Route(
        _read_push,
        Operation.PUSH,
        Described(
            method="POST",
            path="/v1/apps/{app}/notifications",
            name="push",
            summary="Send one notification, one to many tokens, or many.",
            parameters=("app", "wait", "test", "Idempotency-Key"),
            body=("One", "Wake", "Broadcast", "Many", "Several"),
            lines=True,
            answers={200: _RECEIPT, 202: _RECEIPT | {"application/x-ndjson": {"type": "string"}}},
            errors=(404, 408, 409, 415, 429, 503),
            links=("outcome", "cancel"),
        ),
    ),
    Route(
        asks(queries.trace),
        Operation.READ,
        Described(
            method="GET",
            path=_NOTIFICATION,
            name="outcome",
            summary="What became of a notification, step by step.",
            parameters=("id",),
            answers={200: json_of("Story")},
            errors=(404,),
        ),
    ),
    Route(
        asks(queries.cancel),
        Operation.PUSH,
        Described(
            method="DELETE",
            path=_NOTIFICATION,
            name="cancel",
            summary="Withdraw a notification that was not written yet.",
            parameters=("id",),
            answers={200: json_of("Cancelled")},
            errors=(404,),
        ),
    ),
    Route(
        asks(queries.flush),
        Operation.ADMIN,
        Described(
            method="POST",
            path=f"{_NOTIFICATION}/flush",
            name="flush",
            summary="Have proven what the app of a notification has written.",
            parameters=("id",),
            answers={200: json_of("Proven")},
            errors=(404, 429, 503),
        ),
    ),
    Route(
        asks(queries.dead_tokens),
        Operation.ADMIN,
        Described(
            method="GET",
            path="/v1/apps/{app}/dead-tokens",
            name="dead_tokens",
            summary="Dead tokens of an app, a page at a time.",
            parameters=("app", "after_token"),
            answers={200: json_of("DeadTokens")},
            errors=(404,),
        ),
    ),
    Route(
        channels.read_new,
        Operation.ADMIN,
        Described(
            method="POST",
            path=_CHANNELS,
            name="create_channel",
            summary="Make a channel for broadcasts.",
            parameters=("app",),
            body=("NewChannel",),
            answers={201: json_of("NamedChannel")},
            errors=(404, 408, 415, 429, 502, 503),
        ),
    ),
    Route(
        asks(channels.list_all),
        Operation.READ,
        Described(
            method="GET",
            path=_CHANNELS,
            name="channels",
            summary="The channels of an app.",
            parameters=("app",),
            answers={200: json_of("Channels")},
            errors=(404, 429, 502, 503),
        ),
    ),
    Route(
        asks(channels.read),
        Operation.READ,
        Described(
            method="GET",
            path=_CHANNEL,
            name="channel",
            summary="One channel.",
            parameters=("app", "channel"),
            answers={200: json_of("Channel")},
            errors=(404, 429, 502, 503),
        ),
    ),
    Route(
        asks(channels.delete),
        Operation.ADMIN,
        Described(
            method="DELETE",
            path=_CHANNEL,
            name="delete_channel",
            summary="Delete a channel.",
            parameters=("app", "channel"),
            answers={200: json_of("Deleted")},
            errors=(404, 429, 502, 503),
        ),
    ),
    Route(
        enrolments.read_enrolment,
        Operation.PUSH,
        Described(
            method="POST",
            path="/v1/apps/{app}/enrolments",
            name="enrol",
            summary="Keep the token and the push magic of a managed device, and wake it.",
            parameters=("app",),
            body=("NewEnrolment",),
            answers={201: json_of("Enrolled")},
            errors=(404, 408, 415, 429, 502, 503),
        ),
    ),
    Route(
        enrolments.read_check_in,
        Operation.PUSH,
        Described(
            method="POST",
            path="/v1/apps/{app}/checkins",
            name="check_in",
            summary="Report that a managed device called its MDM server.",
            parameters=("app",),
            body=("CheckIn",),
            answers={202: json_of("CheckedIn")},
            errors=(404, 408, 415, 429, 502, 503),
        ),
    ),
    Route(
        enrolments.read_check_out,
        Operation.PUSH,
        Described(
            method="POST",
            path="/v1/apps/{app}/checkouts",
            name="check_out",
            summary="Report that a managed device left management: it is woken no more until it enrols anew.",
            parameters=("app",),
            body=("CheckOut",),
            answers={202: json_of("CheckedOut")},
            errors=(404, 408, 415, 429, 502, 503),
        ),
    ),
    *HUB_ROUTES,
    Route(
        asks(_watch),
        Operation.READ,
        Described(
            method="GET",
            path="/v1/outcomes",
            name="watch",
            summary="Outcome records, as server-sent events.",
            parameters=("watched", "Last-Event-ID"),
            answers={200: text_of("text/event-stream")},
            errors=(404, 503),
        ),
    ),
    Route(
        asks(queries.apps),
        Operation.READ,
        Described(
            method="GET",
            path="/v1/apps",
            name="apps",
            summary="How each app is doing.",
            answers={200: json_of("Apps")},
        ),
    ),
    Route(
        asks(queries.stats),
        Operation.READ,
        Described(
            method="GET",
            path="/v1/stats",
            name="stats",
            summary="How the gateway is doing.",
            answers={200: json_of("Stats")},
        ),
    ),
    Route(
        asks(queries.metrics),
        Operation.READ,
        Described(
            method="GET",
            path="/metrics",
            name="metrics",
            summary="Metrics for Prometheus.",
            answers={200: text_of("text/plain", "application/openmetrics-text")},
        ),
    ),
    Route(
        asks(queries.alive),
        Operation.READ,
        Described(
            method="GET",
            path="/healthz",
            name="alive",
            summary="The process answers.",
            answers={200: json_of("Status")},
        ),
    ),
    Route(
        asks(queries.ready),
        Operation.READ,
        Described(
            method="GET",
            path="/readyz",
            name="ready",
            summary="It takes notifications.",
            answers={200: json_of("Status")},
            errors=(503,),
        ),
    ),
    Route(
        asks(_describe),
        Operation.READ,
        Described(
            method="GET",
            path="/openapi.json",
            name="describe",
            summary="This description.",
            answers={200: json_of("Document")},
        ),
    ),
)
"""Every method and path."""


def _by_path() -> dict[str, dict[str, Route]]:
    paths: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.described.path, {})[route.described.method] = route
    return paths


_FIXED: Final = {path: methods for path, methods in _by_path().items() if "{" not in path}
_PATTERNS: Final = [
    (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), methods)
    for path, methods in _by_path().items()
    if "{" in path
]
