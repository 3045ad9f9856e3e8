"""Carrying out a request: all recipients are accepted, or none."""

from functools import partial
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.rest_injector.merging import OPTIONAL, Injection, Merging, decode_injection
from pushgate.inputs.rest_injector.request import InjectorRequest
from pushgate.model.errors import Invalid, PushgateError, Refusal, ShuttingDown, TooLarge
from pushgate.model.notification import Submission
from pushgate.model.outcome_record import id_text
from pushgate.model.principals import Operation
from pushgate.net.http.responses import HTTPResponse, json_answer
from pushgate.plugin.gateway_interface import Receipt

PIECE: Final = 1 << 16
"""Bytes of messages that are made and parsed in one turn of the reactor."""


def inject(request: InjectorRequest, body: bytes) -> None:
    """Answer a request once all of its notifications are stored durably."""
    request.run(_inject(request, body))


async def _inject(request: InjectorRequest, body: bytes) -> HTTPResponse:
    app = ""
    try:
        if request.server.stopping:
            raise ShuttingDown
        merging, injection = _read(request, body)
        app = merging.app
        request.session.permit(Operation.PUSH, app)
        await _merge(request, merging, injection)
        submission = merging.submission()
        request.session.charge(len(submission.tokens))
    except Refusal as refusal:
        request.server.count_refusal(app, refusal)
        raise
    result = await _submitted(request, submission)
    if not isinstance(result, Receipt):
        raise result
    return json_answer(200, {"results": _results(result), "status": "success"})


def _read(request: InjectorRequest, body: bytes) -> tuple[Merging, Injection]:
    config = request.server.config
    injection: Injection = decoded(decode_injection, body, "body", OPTIONAL)
    count = len(injection.recipients)
    if not count:
        raise Invalid("recipients", "none", f"1 to {config.max_recipients}")
    if count > config.max_recipients:
        raise TooLarge("recipients", count, config.max_recipients, "of them")
    gateway = request.server.gateway
    rules = partial(rules_of, gateway)
    merging = Merging(injection, request.server.recipients, rules, gateway.max_payload, config.max_message)
    return merging, injection


async def _merge(request: InjectorRequest, merging: Merging, injection: Injection) -> None:
    """Make the notifications, over several turns of the reactor."""
    done = 0
    for recipient in injection.recipients:
        done += merging.add(recipient)
        if done >= PIECE:
            done = 0
            await deferLater(request.server.clock, 0)
            if request.gone:  # nothing was submitted
                raise CancelledError


def _submitted(request: InjectorRequest, submission: Submission) -> Deferred[Receipt | PushgateError]:
    answered: Deferred[Receipt | PushgateError] = Deferred()
    request.server.batcher.submit(submission, answered.callback)
    request.fed(submission.app)
    return answered


def _results(receipt: Receipt) -> list[dict[str, Any]]:
    """Return a result for each recipient, in their order."""
    refused = dict(receipt.refused)
    return [_result(id_text(receipt.id + index), refused.get(index)) for index in range(receipt.count)]


def _result(number: str, refusal: Refusal | None) -> dict[str, Any]:
    if refusal is not None:
        return {"status": "failure", "reason": f"550 {refusal}"}
    return {"status": "success", "mid": number, "reason": f"250 {number}"}
