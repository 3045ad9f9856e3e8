"""The table of requests that the console's pages make. They are no part of the HTTP input's API."""

import re
from typing import Final
from urllib.parse import unquote

from pushgate.inputs.http.console import (
    changes,
    dead_tokens,
    findings,
    hubs,
    login,
    notifications,
    send_tests,
)
from pushgate.inputs.http.console.action import Action
from pushgate.inputs.http.console.visit import Visit
from pushgate.model.errors import UnknownApp
from pushgate.model.principals import Operation
from pushgate.net.http.responses import HTTPFault

API: Final = "/console/api/"
LOGIN: Final = f"{API}login"
"""The only request that needs no login."""


def _watch(visit: Visit) -> None:
    app = visit.parameters.get("app")
    if app is not None:
        visit.visitor.session.permit(Operation.READ, app)
        if not visit.parts.gateway.has_app(app):
            raise UnknownApp(app)
    visit.parts.live.watch(visit.request, visit.visitor, app)


ACTIONS: Final = (
    Action(method="GET", path=f"{API}session", handle=login.session, operation=None),
    Action(method="POST", path=f"{API}logout", handle=login.log_out, operation=None, changes=True),
    Action(method="GET", path=f"{API}live", handle=_watch, query=("app",)),
    Action(method="GET", path=f"{API}notifications/{{id}}", handle=notifications.story, query=("full",)),
    Action(
        method="POST",
        path=f"{API}notifications/{{id}}/cancel",
        handle=notifications.cancel,
        operation=Operation.PUSH,
        changes=True,
    ),
    Action(
        method="GET", path=f"{API}apps/{{app}}/dead-tokens", handle=dead_tokens.page, query=("after", "full")
    ),
    Action(
        method="POST",
        path=f"{API}apps/{{app}}/rate",
        handle=changes.pace,
        operation=Operation.ADMIN,
        changes=True,
    ),
    Action(
        method="POST",
        path=f"{API}apps/{{app}}/test-sends",
        handle=send_tests.send,
        operation=Operation.PUSH,
        changes=True,
    ),
    Action(method="GET", path=f"{API}findings", handle=findings.findings),
    Action(method="GET", path=f"{API}hubs", handle=hubs.names),
    Action(method="GET", path=f"{API}hubs/{{hub}}/count", handle=hubs.count, query=("expression",)),
    Action(method="GET", path=f"{API}hubs/{{hub}}/tags", handle=hubs.tags, query=("after",)),
    Action(method="GET", path=f"{API}hubs/{{hub}}/sends", handle=hubs.sends),
    Action(
        method="POST",
        path=f"{API}hubs/{{hub}}/sends/{{id}}/cancel",
        handle=hubs.cancel,
        operation=Operation.PUSH,
        changes=True,
    ),
)
"""All requests except the login."""

_PATTERNS: Final = [(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", each.path)), each) for each in ACTIONS]


def find(method: str, path: str) -> tuple[Action, dict[str, str]]:
    """Return the action of a request, and the parameters in its path.

    :raises HTTPFault: there is no such path, or it has no such method.
    """
    for pattern, action in _PATTERNS:
        if match := pattern.fullmatch(path):
            if action.method != method:
                raise HTTPFault(405, f"method: not {action.method}", (b"Allow", action.method.encode()))
            return action, {name: unquote(text) for name, text in match.groupdict().items()}
    raise HTTPFault(404, "path: there is nothing here; the console is at /console/")
