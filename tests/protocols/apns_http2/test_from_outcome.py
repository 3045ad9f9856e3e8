"""What a caller of the provider API is answered: the tables from the binary service, and from outcomes."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import State
from pushgate.protocols.apns_binary.status import PERMANENT, ErrorStatus
from pushgate.protocols.apns_http2.from_binary import FROM_BINARY, from_binary
from pushgate.protocols.apns_http2.from_outcome import from_outcome, is_http, may_be_repeated
from pushgate.protocols.apns_http2.reasons import ANSWERS

PAGE = Path(__file__).parents[3] / "docs" / "apns-translation.md"


def told(*arguments):
    """Status and reason of the answer for an outcome."""
    answer = from_outcome(*arguments)
    return answer.status, answer.reason


@pytest.mark.parametrize("status", ErrorStatus)
def test_every_binary_status_has_an_answer_of_apples(status):
    """Each is one that Apple's own table has; a permanent refusal is a 4xx, but for what no caller caused."""
    answer = from_binary(status)
    assert answer in ANSWERS
    if status in PERMANENT - {ErrorStatus.PROTOCOL_ERROR}:
        assert 400 <= answer.status < 500


@given(status=st.integers(0, 255))
def test_any_byte_has_an_answer(status):
    """A status that is not defined is temporary, as the binary service's own rule says."""
    answer = from_binary(status)
    if status not in list(ErrorStatus):
        assert (answer.status, answer.reason) == (500, "InternalServerError")


def test_the_page_has_the_table():
    """docs/apns-translation.md lists each status with its answer."""
    rows = dict(re.findall(r"^\| (\d+) [^|]*\| `([^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
    expected = {
        str(int(status)): f"{answer.status} {answer.reason}".strip() for status, answer in FROM_BINARY.items()
    }
    assert rows == expected


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ((State.ACCEPTED, None, ""), (200, "")),
        ((State.ACCEPTED, 200, ""), (200, "")),
        ((State.REPLACED, 200, ""), (200, "")),
        ((State.PRESUMED, None, ""), (200, "")),
        ((State.REJECTED, 8, "InvalidToken"), (400, "BadDeviceToken")),
        ((State.REJECTED, 7, "InvalidPayloadSize"), (413, "PayloadTooLarge")),
        ((State.REJECTED, 400, "DeviceTokenNotForTopic"), (400, "DeviceTokenNotForTopic")),
        ((State.REJECTED, 410, "Unregistered"), (410, "Unregistered")),
        ((State.REJECTED, 418, "Teapot"), (418, "Teapot")),
        ((State.REJECTED, None, "plug-in's own"), (500, "InternalServerError")),
        ((State.FAILED, 1, "ProcessingError"), (500, "InternalServerError")),
        ((State.FAILED, 429, "TooManyRequests"), (429, "TooManyRequests")),
        ((State.FAILED, None, "ClosesConnection"), (500, "InternalServerError")),
        ((State.SUPPRESSED, None, "DeadToken"), (410, "Unregistered")),
        ((State.SUPPRESSED, None, "DeadToken", DeadReason.INVALID_TOKEN), (410, "Unregistered")),
        ((State.SUPPRESSED, None, "DeadToken", DeadReason.EXPIRED_TOKEN), (410, "ExpiredToken")),
        ((State.EXPIRED, None, "PushServiceUnreachable"), (503, "ServiceUnavailable")),
        ((State.UNKNOWN, None, "ConnectionLost"), (503, "ServiceUnavailable")),
        ((State.CANCELLED, None, ""), (503, "ServiceUnavailable")),
        ((State.QUEUED, None, ""), (503, "ServiceUnavailable")),
    ],
)
def test_outcomes(arguments, answer):
    """A status of HTTP is passed on as it is, one of the binary service is translated, the rest is ours."""
    assert told(*arguments) == answer


def test_statuses_of_both_services_are_told_apart():
    """None of the binary service's looks like one of HTTP's."""
    assert not any(is_http(status) for status in ErrorStatus)
    assert all(is_http(answer.status) for answer in ANSWERS if answer.reason)


@pytest.mark.parametrize(
    ("state", "status", "again"),
    [
        (State.ACCEPTED, None, False),
        (State.REPLACED, None, False),
        (State.REJECTED, 8, False),
        (State.FAILED, 1, True),
        (State.EXPIRED, None, True),
        (State.CANCELLED, None, True),
        (State.SUPPRESSED, None, False),
        (State.UNKNOWN, None, False),
    ],
)
def test_what_may_be_tried_again(state, status, again):
    """What was not sent, and may get through another time; not what may have been sent."""
    assert may_be_repeated(state, from_outcome(state, status, "")) is again
