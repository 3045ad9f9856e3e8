"""Logging in and out, and the session of a page."""

from typing import Any, Final

import msgspec

from pushgate import __version__
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.http.console import cookie
from pushgate.inputs.http.console.visit import Parts, Visit
from pushgate.inputs.http.console.visitor import Visitor
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.principals import Operation
from pushgate.net.http.responses import HTTPResponse, json_answer


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    secret: str


_decode: Final = msgspec.json.Decoder(_Given).decode


def log_in(parts: Parts, request: HTTPRequest, body: bytes) -> None:
    """Answer a login; a failed one is delayed, as at every input. The earlier login of this browser ends."""
    given: _Given = decoded(_decode, body, "body", ())
    session = request.new_session()
    trying = session.login(given.name, given.secret.encode(errors="replace"))
    request.on_end = trying.cancel
    trying.addCallback(lambda _: request.answer(_logged_in(parts, request)))
    trying.addErrback(request.fail)


def log_out(visit: Visit) -> HTTPResponse:
    """End the login and its streams."""
    number = cookie.read(visit.request)
    if number is not None:
        visit.parts.logins.end(number)
    return HTTPResponse(200, b"{}", headers=(cookie.taken_away(visit.request),))


def session(visit: Visit) -> HTTPResponse:
    """Return the caller's name, its CSRF token, and the parts of the pages that it can use."""
    return json_answer(200, _described(visit.parts, visit.visitor))


def _logged_in(parts: Parts, request: HTTPRequest) -> HTTPResponse:
    session = request.session
    principal = session.permit_any(Operation.READ, Operation.ADMIN)
    if (earlier := cookie.read(request)) is not None:
        parts.logins.end(earlier)
    number, login = parts.logins.begin(principal, request.now())
    answer = json_answer(200, _described(parts, Visitor(session, login)))
    return HTTPResponse(200, answer.body, headers=(cookie.given(request, number),))


def _described(parts: Parts, visitor: Visitor) -> dict[str, Any]:
    return {
        "name": visitor.name,
        "logged_in": visitor.login is not None,
        "may_log_in": not parts.context.principals.open,
        "admin": visitor.is_admin(),
        "token": None if visitor.login is None else visitor.login.csrf,
        "hubs": bool(parts.context.hubs),
        "version": __version__,
    }
