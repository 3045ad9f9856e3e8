"""The story of a notification, and its withdrawal."""

from pushgate.inputs.http.console.visit import Visit
from pushgate.model.notification import parse_id
from pushgate.model.outcome_record import Tokens
from pushgate.net.http.responses import HTTPResponse, json_answer


async def story(visit: Visit) -> HTTPResponse:
    """The outcome record of a notification with its events; its full token on request, for administrators."""
    found = await visit.visitor.session.trace(parse_id(visit.parameters["id"]))
    if visit.full:
        visit.visitor.permit_change(found.app)
    tokens = Tokens.FULL if visit.full else Tokens.HASH
    return HTTPResponse(200, found.json(tokens).encode() + b"\n")


async def cancel(visit: Visit) -> HTTPResponse:
    """Withdraw a notification that was not written yet."""
    done = await visit.visitor.session.cancel(parse_id(visit.parameters["id"]))
    return json_answer(200, {"cancelled": done})
