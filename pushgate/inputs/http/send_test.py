"""POST with `?test`: a test send, whose answer says what became of each device."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from pushgate.inputs.common.send_tests import send_test_document
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import Invalid, Refusal
from pushgate.model.notification import Submission
from pushgate.model.send_test import PATIENCE
from pushgate.net.http.responses import HTTPResponse, json_answer

VALUES: Final = ("", "true")
"""What the parameter may be."""
Part = tuple[Submission, dict[int, Refusal], int]
"""A submission, what the input refused of it by index, and how many notifications came before it."""


def is_test(request: HTTPRequest) -> bool:
    """Whether a request is a test send; raise `Invalid` for another value of the parameter."""
    value = request.parameters.get("test")
    if value not in (None, *VALUES):
        raise Invalid("test", f"text of {len(value)} characters", "without a value, or true")
    return value is not None


async def answer_test(request: HTTPRequest, parts: Iterable[Part], seconds: float | None) -> HTTPResponse:
    """Submit, and answer with what became of each device.

    :param seconds: to wait at most; None: as long as there is.
    :raises Invalid: the notifications differ in more than token and payload.
    """
    server, first = request.server, list(islice(parts, 2))
    if len(first) > 1:
        raise Invalid("notifications", "with test, and different optional fields", "the same for all of them")
    submission, faults, _ = first[0]
    patience = PATIENCE if seconds is None else seconds
    asked = server.gateway.test_send(submission, server.name, patience)
    request.on_end = asked.cancel
    request.fed(submission.app)
    result = await asked
    document = send_test_document(result, server.gateway, submission.app, faults)
    return json_answer(200 if result.settled else 202, document)
