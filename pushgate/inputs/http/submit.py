"""POST: one notification, one for many tokens, or many."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, Final
from uuid import uuid4

from msgspec import UNSET, Raw
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from pushgate.inputs.common.drafts import Draft, made, receipt_fields
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.common.schemas import OPTIONAL, Body, check_one, decode_body, find_target
from pushgate.inputs.http.request import HTTPRequest
from pushgate.inputs.http.send_test import Part, answer_test, is_test
from pushgate.model.errors import Invalid, PushgateError, Refusal, ShuttingDown, TooLarge
from pushgate.model.notification import MAX_BATCH, Submission, Terms, check_key
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome_record import id_text
from pushgate.model.packed import Packed
from pushgate.model.send_test import MOST_DEVICES
from pushgate.net.http.responses import HTTPResponse, json_answer
from pushgate.plugin.gateway_interface import Receipt
from pushgate.plugin.settings import parse_duration

MAX_WAITED: Final = 1000
"""Notifications of a request that waits for their outcomes, at most."""
_KEY: Final = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_KEY_RULE: Final = "1 to 255 printable characters of ASCII"


def push(request: HTTPRequest, data: bytes) -> None:
    """Submit the notifications of a body; answer when they are safe, or when their outcomes are known."""
    app = request.parameters["app"]
    try:
        if request.server.stopping:
            raise ShuttingDown
        body: Body = decoded(decode_body, data, "body", OPTIONAL)
        seconds = waiting_time(request)
        _submit(request, app, body, key_of(request), seconds)
    except Refusal as refusal:
        request.server.count_refusal(app, refusal)
        raise


def key_of(request: HTTPRequest) -> str | None:
    """The idempotency key; raise `Invalid` when there are two, or it is not valid."""
    key = request.header(b"idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid("Idempotency-Key", f"text of {len(key)} characters", _KEY_RULE)
    return key


def waiting_time(request: HTTPRequest) -> float | None:
    """Seconds to wait for outcomes, None for not at all; raise `Invalid`."""
    text = request.parameters.get("wait")
    if text is None:
        return None
    try:
        longest: float = request.server.config.max_wait
        return min(parse_duration(text), longest)
    except ValueError as error:
        raise Invalid("wait", f"text of {len(text)} characters", str(error)) from None


def _submit(request: HTTPRequest, app: str, body: Body, key: str | None, seconds: float | None) -> None:
    server, charge, tries = request.server, request.session.charge, is_test(request)
    rules = rules_of(server.gateway, app)
    if (body.token is UNSET and body.channel is None) or _has_many(body):
        parts, count = _parts(app, rules, body, key)
    else:
        if body.rate is not None or body.pace is not None:
            raise Invalid("rate", "with token", "rate and pace are for tokens or notifications")
        token, payload, terms = find_target(rules, body), _payload(rules, body), body.terms()
        if key is None and seconds is None and not tries:
            charge(1)
            server.batcher.push(app, token, payload, terms, partial(_pushed, request))
            request.fed(app)
            return
        tokens = Packed.of([token], 2)
        alone = Submission(app=app, tokens=tokens, payload=payload, terms=terms, key=key)
        parts, count = [(alone, {}, 0)], 1
    if tries and count > MOST_DEVICES:
        raise TooLarge("notifications of a test send", count, MOST_DEVICES, "notifications")
    if seconds is not None and count > MAX_WAITED:
        raise TooLarge("notifications of a request that waits", count, MAX_WAITED, "notifications")
    charge(count)
    answer = answer_test if tries else partial(_answer_parts, again=key is not None)
    request.run(answer(request, parts, seconds))


def _has_many(body: Body) -> bool:
    return body.tokens is not UNSET or body.notifications is not UNSET


def _pushed(request: HTTPRequest, result: int | PushgateError) -> None:
    if isinstance(result, PushgateError):
        request.refuse(result)
    else:
        body = b'{"id":"%b","count":1,"refused":[]}\n' % id_text(result).encode()
        request.answer(HTTPResponse(202, body))


def _parts(app: str, rules: NotificationRules, body: Body, key: str | None) -> tuple[Iterable[Part], int]:
    """The submissions that a body makes, and of how many notifications; raise `Refusal` for a bad one."""
    check_one(body)
    if body.tokens is not UNSET:
        _check_count("tokens", len(body.tokens))
        tokens, faults = rules.parse_targets(body.tokens)
        payload, terms = _payload(rules, body), _paced(body, body.terms(), body.pace)
        whole = Submission(app=app, tokens=tokens, payload=payload, terms=terms, key=key)
        return [(whole, faults, 0)], len(tokens)
    assert body.notifications is not UNSET
    _check_count("notifications", len(body.notifications))
    _check_alone(body)
    return _many(app, made(rules, body.notifications, MAX_BATCH), body, key), len(body.notifications)


def _many(app: str, drafts: Iterator[Draft], body: Body, key: str | None) -> Iterable[Part]:
    """The batches that `notifications` make; where there are several, they share the body's rate.

    All but the first two are made when they are asked for: there may be as many as notifications.
    """
    first = list(islice(drafts, 2))
    several = len(first) > 1
    pace = body.pace
    if body.rate and pace is None and several:
        pace = key or uuid4().hex

    def part(numbered: tuple[int, Draft]) -> Part:
        number, draft = numbered
        draft.terms = _paced(body, draft.terms, pace)
        own = part_key(key, number) if several else key
        return draft.submission(app, own), draft.faults, draft.first

    if several and key is not None:  # a bad key is refused before anything is submitted
        check_key(part_key(key, len(body.notifications or ()) - 1))
    parts = map(part, enumerate(chain(first, drafts)))
    return chain([next(parts)], parts)


def _paced(body: Body, terms: Terms, pace: str | None) -> Terms:
    """The terms of a batch, with the rate of the body; raise `Invalid`."""
    if body.rate is None and pace is None:
        return terms
    return replace(terms, rate=body.rate or 0.0, pace=pace)


def part_key(key: str | None, number: int) -> str | None:
    """The key of the nth batch of a request."""
    return None if key is None else f"{key}/{number}"


def _payload(rules: NotificationRules, body: Body) -> bytes:
    return rules.payload_of(body.json(body.payload))


def _check_count(field: str, count: int) -> None:
    if count > MAX_BATCH:
        raise TooLarge(field, count, MAX_BATCH, "notifications")
    if not count:
        raise Invalid(field, "none", f"1 to {MAX_BATCH}")


def _check_alone(body: Body) -> None:
    """Raise `Invalid` for fields beside `notifications`: each member has its own."""
    if body.payload is not UNSET or body.terms() != Body().terms():
        raise Invalid("notifications", "with fields beside it", "each of them has its own")


async def _answer_parts(
    request: HTTPRequest, parts: Iterable[Part], seconds: float | None, again: bool
) -> HTTPResponse:
    """Submit, and wait for outcomes as long as the request asks for.

    :param again: it has a key, so that it may be a repetition.
    """
    server, results = request.server, _Results()
    if seconds is not None:
        server.waits.enter()
    await server.batcher.turns.each(parts, lambda part: submitted(request, part[0]), results.add)
    if seconds is None:
        return json_answer(202, results.answer())
    return await _with_outcomes(request, results, seconds, again)


def submitted(request: HTTPRequest, submission: Submission) -> Deferred[Receipt | PushgateError]:
    """Submit for a request; fires with the receipt or what went wrong."""
    answered: Deferred[Receipt | PushgateError] = Deferred()
    request.server.batcher.submit(submission, answered.callback)
    request.fed(submission.app)
    return answered


class _Results:
    """The results of all submissions of a request, as one answer; indices count within the whole request."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self._batches: list[dict[str, Any]] = []
        self._refused: list[tuple[int, str, str]] = []
        self._errors: list[PushgateError] = []
        self._count = 0

    def add(self, part: Part, result: Receipt | PushgateError) -> None:
        """Note the next result."""
        submission, faults, first = part
        self._count += len(submission.tokens)
        if isinstance(result, Receipt):
            one = receipt_fields(result, faults)
            self.receipts.append(result)
            self._refused += [(first + index, code, text) for index, code, text in one["refused"]]
            self._batches.append({"id": one["id"], "first": first, "count": result.count})
            return
        self._errors.append(result)
        if isinstance(result, Refusal):
            text = str(result)
            self._refused += [(first + at, result.code, text) for at in range(len(submission.tokens))]

    def answer(self) -> dict[str, Any]:
        """The answer; raise when all were refused, or the gateway failed at one."""
        for error in self._errors:
            if not isinstance(error, Refusal) or not self.receipts:
                raise error
        answer = {"id": self._batches[0]["id"], "count": self._count, "refused": self._refused}
        if all(receipt.repeated for receipt in self.receipts):
            answer["repeated"] = True
        several = len(self._batches) + len(self._errors) > 1
        return answer | {"batches": self._batches} if several else answer


async def _with_outcomes(
    request: HTTPRequest, results: _Results, seconds: float, again: bool
) -> HTTPResponse:
    waits, answer = request.server.waits, results.answer()
    waiting = [
        Deferred.fromCoroutine(waits.outcomes(receipt.id, _members(receipt), seconds, again))
        for receipt in results.receipts
    ]

    def give_up() -> None:
        for each in waiting:
            each.cancel()

    request.on_end = give_up
    known = [await each for each in waiting]
    records = [Raw(wait.records[number].encode()) for wait in known for number in sorted(wait.records)]
    status = 202 if any(wait.missing for wait in known) else 200
    return json_answer(status, answer | {"outcomes": records})


def _members(receipt: Receipt) -> list[int]:
    """The indices of those that were accepted."""
    refused = {index for index, _ in receipt.refused}
    return [index for index in range(receipt.count) if index not in refused]
