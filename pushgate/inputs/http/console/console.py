"""The console of one HTTP input: finds the reader of each request under ``/console``."""

from collections.abc import Callable
from functools import partial
from typing import Final

from cryptography.fernet import Fernet

from pushgate.inputs.http.console import routes
from pushgate.inputs.http.console.action import Action
from pushgate.inputs.http.console.files import StaticFiles
from pushgate.inputs.http.console.headers import SECURITY
from pushgate.inputs.http.console.live import LiveFeed
from pushgate.inputs.http.console.login import log_in
from pushgate.inputs.http.console.logins import Logins
from pushgate.inputs.http.console.visit import Parts, Visit
from pushgate.inputs.http.console.visitor import Visitor, identify
from pushgate.inputs.http.query_parameters import query_parameters
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import Invalid
from pushgate.net.http.body_readers import NoBody, WholeBody
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway

ROOT: Final = "/console"
MAX_BODY: Final = 64 << 10
"""Bytes of the body of a request at most."""


class Console:
    """Serves the pages and their requests.

    :param name: the input's name.
    :param guard: refuses requests that a page of another site made a browser send.
    :param local: only this machine can connect, over TCP.
    """

    def __init__(
        self, name: str, gateway: IGateway, context: Context, guard: BrowserGuard, local: bool
    ) -> None:
        self._guard, self._files = guard, StaticFiles()
        self._parts = Parts(
            name=name,
            gateway=gateway,
            context=context,
            local=local,
            logins=Logins(),
            live=LiveFeed(gateway, context),
            positions=Fernet(Fernet.generate_key()),
        )

    def serves(self, path: str) -> bool:
        """Return True if this path belongs to the console."""
        return path == ROOT or path.startswith(f"{ROOT}/")

    def find_reader(self, request: HTTPRequest, path: str, query: str) -> BodyReader:
        """Check the head of a request; return the reader of its body.

        :param query: the query of its target, as it came.
        :raises HTTPFault: there is no such path, or it has no such method.
        :raises Forbidden: the caller may not do this.
        """
        request.more_headers = SECURITY  # errors raised from here on have them too
        given = query_parameters(query)
        if not path.startswith(routes.API):
            return self._find_file(request, path)
        self._guard.check(request)
        method = request.head.method.decode("latin-1")
        if path == routes.LOGIN and method == "POST":
            return self._body(request, partial(log_in, self._parts))
        action, parameters = routes.find(method, path)
        if unknown := given.keys() - set(action.query):
            raise Invalid("query", f"{len(unknown)} unknown", ", ".join(action.query) or "none")
        request.parameters = parameters | given
        visitor = identify(request, self._parts.logins, self._parts.context.principals, self._parts.local)
        _permit(action, visitor, request)
        return self._reader(action, visitor, request)

    def close(self) -> None:
        """End all streams."""
        self._parts.live.close()

    def _find_file(self, request: HTTPRequest, path: str) -> BodyReader:
        """Return the reader of a request for a file. It has no secrets, so other sites may link to it."""
        self._guard.check_host(request)
        if request.head.method not in (b"GET", b"HEAD"):
            raise HTTPFault(405, "method: not one of GET, HEAD", (b"Allow", b"GET, HEAD"))
        if path == ROOT:
            return NoBody(request, lambda _: HTTPResponse(308, b"", headers=((b"Location", b"/console/"),)))
        file = self._files.find(path)
        if file is None:
            raise HTTPFault(404, "path: there is nothing here; the console is at /console/")
        return NoBody(request, file.answer)

    def _reader(self, action: Action, visitor: Visitor, request: HTTPRequest) -> BodyReader:
        def run(request: HTTPRequest, body: bytes = b"") -> None:
            answer = action.handle(Visit(self._parts, request, visitor, body))
            if isinstance(answer, HTTPResponse):
                request.answer(answer)
            elif answer is not None:
                request.run(answer)

        return self._body(request, run) if action.changes else NoBody(request, run)

    def _body(self, request: HTTPRequest, handle: Callable[[HTTPRequest, bytes], None]) -> BodyReader:
        kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPFault(415, "content-type: application/json")
        return WholeBody(request, handle, MAX_BODY, request.server.reserve)


def _permit(action: Action, visitor: Visitor, request: HTTPRequest) -> None:
    app = request.parameters.get("app") if "{app}" in action.path else None
    if action.changes:
        visitor.check_token(request)
        if action.operation is not None:
            visitor.permit_change(app)
    if action.operation is not None:
        visitor.session.permit(action.operation, app)
