"""The trace of a notification, and its cancellation."""

from pushgate.inputs.http.console.visit import Visit
from pushgate.model.notification import parse_id
from pushgate.model.outcome_record import Tokens
from pushgate.net.http.responses import HTTPResponse, json_answer


async def story(visit: Visit) -> HTTPResponse:
    """Return the trace of a notification; with the full token if an administrator asks for it."""
    found = await visit.visitor.session.trace(parse_id(visit.parameters["id"]))
    if visit.full:
        visit.visitor.permit_change(found.app)
    tokens = Tokens.FULL if visit.full else Tokens.HASH
    return HTTPResponse(200, found.json(tokens).encode() + b"\n")


async def cancel(visit: Visit) -> HTTPResponse:
    """Cancel a notification that has not been written yet."""
    done = await visit.visitor.session.cancel(parse_id(visit.parameters["id"]))
    return json_answer(200, {"cancelled": done})
