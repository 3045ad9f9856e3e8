"""The table of methods and paths, and the way from a request to its route."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from pushgate.inputs.hub import (
    blobs,
    feedback_container,
    installations,
    jobs,
    messages,
    registrations,
    telemetry,
)
from pushgate.inputs.hub.query import Query
from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route
from pushgate.net.http.body_readers import IgnoredBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault

ROUTES: Final = (
    *registrations.ROUTES,
    *installations.ROUTES,
    *messages.ROUTES,
    *telemetry.ROUTES,
    *jobs.ROUTES,
    *feedback_container.ROUTES,
    *blobs.ROUTES,
)
"""Every method and path; each module that answers requests has its own."""

_Methods = dict[str, Route]
_FIELD: Final = re.compile(r"\\\{(\w+)(\\\*)?\\\}")


def find_reader(request: HubRequest) -> BodyReader:
    """Check the head of a request; return the reader of its body.

    :raises HTTPFault: there is no such path, or it has no such method.
    :raises UnknownResource: the input offers no such hub.
    :raises Invalid: something in the query cannot be understood.
    :raises Unauthorized: it is not signed, or not well.
    """
    server = request.server
    server.guard.check(request)
    path, _, query = request.head.target.decode("latin-1").partition("?")
    hub, _, rest = path.strip("/").partition("/")
    request.hub_name = hub
    request.hub = server.hub(unquote(hub))
    methods, request.parameters = _find_path(rest)
    method = request.head.method.decode("latin-1")
    route = methods.get(method)
    if route is None:
        allowed = ", ".join(methods)
        raise HTTPFault(405, f"method: not one of {allowed}", (b"Allow", allowed.encode()))
    request.query = Query.parse(query)
    right = route.right(request) if callable(route.right) else route.right
    if right is not None and not server.access.permit(request, path, right):
        return IgnoredBody()
    return route.reader(request)


def _find_path(path: str) -> tuple[_Methods, dict[str, str]]:
    """What there is at a path behind the hub's name, and the parameters in it."""
    collection = path.partition("/")[0].lower()
    for pattern, methods in _PATTERNS.get(collection, ()):
        if match := pattern(path):
            return methods, {name: unquote(text) for name, text in match.groupdict().items()}
    raise HTTPFault(404, "path: there is nothing here")


def _pattern(path: str) -> str:
    """The regular expression of a path of a route."""
    fixed = re.escape(path).replace(r"\$", r"(?:\$|%24)")
    return _FIELD.sub(lambda field: f"(?P<{field[1]}>{'.+' if field[2] else '[^/]+'})", fixed)


def _table(routes: Iterable[Route]) -> dict[str, list[tuple[re.Pattern[str], _Methods]]]:
    """The patterns and methods of each collection, those with fixed segments before those with parameters."""
    paths: dict[str, _Methods] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = route
    found: dict[str, list[tuple[re.Pattern[str], _Methods]]] = {}
    for path in sorted(paths, key=lambda path: path.count("{")):
        pattern = re.compile(_pattern(path), re.IGNORECASE | re.ASCII)
        found.setdefault(path.partition("/")[0], []).append((pattern, paths[path]))
    return found


_PATTERNS: Final = {
    collection: [(pattern.fullmatch, methods) for pattern, methods in each]
    for collection, each in _table(ROUTES).items()
}
