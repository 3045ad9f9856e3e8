"""Test sends, with a result for each device."""

from typing import Final

import msgspec

from pushgate.inputs.common.json_terms import TERM_FIELDS, TermFields, decoded
from pushgate.inputs.common.send_tests import send_test_document
from pushgate.inputs.http.console.visit import Visit
from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.notification import Submission
from pushgate.model.send_test import MOST_DEVICES, PATIENCE
from pushgate.net.http.responses import HTTPResponse, json_answer
from pushgate.plugin.gateway_interface import IGateway


class _Given(TermFields, kw_only=True, forbid_unknown_fields=True):
    tokens: list[str]
    payload: msgspec.Raw


_decode: Final = msgspec.json.Decoder(_Given).decode


async def send(visit: Visit) -> HTTPResponse:
    """Send to a few devices; answer with the outcome of each, its meaning, and advice."""
    app, gateway = visit.parameters["app"], visit.parts.gateway
    submission, faults = _submission(gateway, app, decoded(_decode, visit.body, "body", TERM_FIELDS))
    visit.visitor.session.charge(len(submission.tokens))
    asked = gateway.test_send(submission, visit.parts.name, PATIENCE)
    visit.request.on_end = asked.cancel
    result = await asked
    return json_answer(200, send_test_document(result, gateway, app, faults))


def _submission(gateway: IGateway, app: str, given: _Given) -> tuple[Submission, dict[int, Refusal]]:
    if not given.tokens:
        raise Invalid("tokens", "none", f"1 to {MOST_DEVICES} tokens")
    if len(given.tokens) > MOST_DEVICES:
        raise TooLarge("tokens of a test send", len(given.tokens), MOST_DEVICES, "tokens")
    rules = gateway.rules(app)
    tokens, faults = rules.parse_targets(given.tokens)
    payload = rules.payload_of(bytes(given.payload))
    return Submission(app=app, tokens=tokens, payload=payload, terms=given.terms()), faults
