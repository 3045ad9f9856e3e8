"""The dead tokens of an app, in pages."""

from typing import Any, Final

from cryptography.fernet import InvalidToken

from pushgate.inputs.http.console.visit import Visit
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import Invalid
from pushgate.model.outcome_record import hash_token
from pushgate.model.target import TargetForm
from pushgate.net.http.responses import HTTPResponse, json_answer

PAGE: Final = 100
"""Tokens per page."""


def page(visit: Visit) -> HTTPResponse:
    """Return a page of dead tokens in their order, hashed unless an administrator asks for full ones.

    The position of the next page is encrypted because it is a token.
    """
    app = visit.parameters["app"]
    if visit.full:
        visit.visitor.permit_change(app)
    form = visit.parts.gateway.rules(app).form
    found = visit.parts.gateway.dead_tokens(app, _position(visit), PAGE)
    more = len(found) == PAGE
    return json_answer(
        200,
        {
            "tokens": [_entry(each, form if visit.full else None) for each in found],
            "next": visit.parts.positions.encrypt(found[-1].token).decode() if more else "",
        },
    )


def _entry(entry: DeadTokenEntry, form: TargetForm | None) -> dict[str, Any]:
    token = hash_token(entry.token) if form is None else form.write(entry.token)
    return {"token": token, "since": entry.since, "reason": entry.reason, "doubted": entry.doubted}


def _position(visit: Visit) -> bytes:
    sealed = visit.parameters.get("after", "")
    if not sealed:
        return b""
    try:
        return visit.parts.positions.decrypt(sealed)
    except (InvalidToken, ValueError):  # ValueError: the text is not ASCII
        raise Invalid("after", f"text of {len(sealed)} characters", "the `next` of a page before") from None
