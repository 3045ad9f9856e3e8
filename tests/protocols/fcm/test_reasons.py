"""The table of FCM's answers, and what their details change."""

import pytest

from pushgate.model.dead_token import DOUBTFUL, DeadReason
from pushgate.protocols.fcm.error_body import ErrorBody, read
from pushgate.protocols.fcm.reasons import ANSWERS, QUOTA_WAIT, TROUBLE_WAIT, answer
from pushgate.protocols.fcm.target import Kind
from pushgate.protocols.http_push.answers import LONGEST_REASON, Follows
from pushgate.upstreams.common.circuit_breaker import Cause
from tests.protocols.fcm.errors import APNS, FCM, RPC, error

OWN = {"THIRD_PARTY_AUTH_ERROR", "SENDER_ID_MISMATCH", "UNREGISTERED", "QUOTA_EXCEEDED"}
"""Codes that are FCM's, not a status of Google's."""
MESSAGE = "The registration token is not a valid FCM registration token"


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row.status}{row.reason}")
def test_rows(row):
    """Every row is found, has words unless it is success, and names cause, death and wait where these follow."""
    found = answer(row.status, ErrorBody(row.reason, row.reason in OWN), Kind.TOKEN)
    assert (found.follows, found.words, found.dead) == (row.follows, row.words, row.dead)
    assert bool(row.words) == (row.status != 200)
    assert (row.dead is not None) == (row.follows is Follows.DEAD)
    assert bool(row.cause) == (row.follows in {Follows.HELD, Follows.RENEW_TOKEN})
    assert not row.cause or Cause(row.cause)
    assert row.wait == {429: QUOTA_WAIT, 500: TROUBLE_WAIT, 503: TROUBLE_WAIT}.get(row.status, 0.0)


def test_there_is_one_row_for_each():
    """No code stands twice."""
    assert len({(row.status, row.reason) for row in ANSWERS}) == len(ANSWERS)


@pytest.mark.parametrize(
    ("status", "body", "follows", "reason"),
    [
        # As Google documents them.
        (400, error("INVALID_ARGUMENT", "x", FCM("INVALID_ARGUMENT")), Follows.REJECTED, "INVALID_ARGUMENT"),
        (404, error("NOT_FOUND", "Requested entity was not found.", FCM("UNREGISTERED")), Follows.DEAD, "UNREGISTERED"),
        (403, error("PERMISSION_DENIED", "SenderId mismatch", FCM("SENDER_ID_MISMATCH")), Follows.DEAD, "SENDER_ID_MISMATCH"),
        (429, error("RESOURCE_EXHAUSTED", "x", FCM("QUOTA_EXCEEDED")), Follows.LATER, "QUOTA_EXCEEDED"),
        (503, error("UNAVAILABLE", "x", FCM("UNAVAILABLE")), Follows.LATER, "UNAVAILABLE"),
        (500, error("INTERNAL", "x", FCM("INTERNAL")), Follows.LATER, "INTERNAL"),
        (401, error("UNAUTHENTICATED", "Auth error from APNS or Web Push Service", FCM("THIRD_PARTY_AUTH_ERROR")), Follows.REJECTED, "THIRD_PARTY_AUTH_ERROR"),
        (400, error("X", "", FCM("UNSPECIFIED_ERROR")), Follows.REJECTED, "UNSPECIFIED_ERROR"),
        # A token that cannot be one, in both forms; and other faults of the request.
        (400, error("INVALID_ARGUMENT", MESSAGE, FCM("INVALID_ARGUMENT")), Follows.DEAD, "INVALID_ARGUMENT: message.token"),
        (400, error("INVALID_ARGUMENT", "x", RPC("BadRequest", fieldViolations=[{"field": "message.token"}])), Follows.DEAD, "INVALID_ARGUMENT: message.token"),
        (400, error("INVALID_ARGUMENT", "x", RPC("BadRequest", fieldViolations=[{"field": "x"}, {"field": "message.fid"}])), Follows.DEAD, "INVALID_ARGUMENT: message.token"),
        (400, error("INVALID_ARGUMENT", "x", RPC("BadRequest", fieldViolations=[{"field": ""}, {"field": "message.android.ttl"}])), Follows.REJECTED, "INVALID_ARGUMENT: message.android.ttl"),
        # Apple's word.
        (401, error("UNAUTHENTICATED", "x", FCM("THIRD_PARTY_AUTH_ERROR"), APNS(403, "InvalidProviderToken")), Follows.REJECTED, "THIRD_PARTY_AUTH_ERROR: InvalidProviderToken"),
        (401, error("UNAUTHENTICATED", "x", FCM("THIRD_PARTY_AUTH_ERROR"), APNS(400, "BadDeviceToken")), Follows.DEAD, "THIRD_PARTY_AUTH_ERROR: BadDeviceToken"),
        (400, error("INVALID_ARGUMENT", "x", FCM("INVALID_ARGUMENT"), APNS(413, "PayloadTooLarge")), Follows.REJECTED, "INVALID_ARGUMENT: PayloadTooLarge"),
        (404, error("NOT_FOUND", "x", FCM("UNREGISTERED"), APNS(410, "Unregistered")), Follows.DEAD, "UNREGISTERED: Unregistered"),
        (503, error("UNAVAILABLE", "x", FCM("UNAVAILABLE"), APNS(503, "Shutdown")), Follows.LATER, "UNAVAILABLE: Shutdown"),
        # The credential.
        (401, error("UNAUTHENTICATED", "x", RPC("ErrorInfo", reason="ACCESS_TOKEN_EXPIRED")), Follows.RENEW_TOKEN, "UNAUTHENTICATED: ACCESS_TOKEN_EXPIRED"),
        (401, b"", Follows.RENEW_TOKEN, "HTTP401"),
        (403, error("PERMISSION_DENIED", "x", RPC("ErrorInfo", reason="SERVICE_DISABLED")), Follows.HELD, "PERMISSION_DENIED: SERVICE_DISABLED"),
        (403, b"<html>", Follows.HELD, "HTTP403"),
        # Whose quota it is.
        (429, error("RESOURCE_EXHAUSTED", "Topic quota exceeded.", FCM("QUOTA_EXCEEDED")), Follows.DEVICE_LATER, "QUOTA_EXCEEDED"),
        (429, error("RESOURCE_EXHAUSTED", "x", FCM("QUOTA_EXCEEDED"), RPC("QuotaFailure", violations=[{"description": "Device message rate exceeded"}])), Follows.DEVICE_LATER, "QUOTA_EXCEEDED"),
        (429, error("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Send requests' of consumer 'project_number:1'"), Follows.LATER, "RESOURCE_EXHAUSTED"),
        (429, b"", Follows.LATER, "HTTP429"),
        # What is not documented.
        (404, error("NOT_FOUND", "x"), Follows.DEAD, "NOT_FOUND"),
        (404, b"<html>", Follows.REJECTED, "HTTP404"),
        (403, error("PERMISSION_DENIED", "x", FCM("CODE_OF_TOMORROW")), Follows.REJECTED, "CODE_OF_TOMORROW"),
        (401, error("UNAUTHENTICATED", "x", FCM("CODE_OF_TOMORROW")), Follows.REJECTED, "CODE_OF_TOMORROW"),
        (503, error("X", "x", FCM("CODE_OF_TOMORROW")), Follows.LATER, "CODE_OF_TOMORROW"),
        (502, b"", Follows.LATER, "HTTP502"),
        (413, b"", Follows.REJECTED, "HTTP413"),
        (301, b"", Follows.REJECTED, "HTTP301"),
    ],
)  # fmt: skip
def test_bodies(status, body, follows, reason):
    """What each body as Google sends it means, and what is reported of it."""
    row = answer(status, read(body), Kind.TOKEN)
    assert (row.status, row.follows, row.reason) == (status, follows, reason)
    assert (row.dead is not None) == (follows is Follows.DEAD)


@pytest.mark.parametrize("kind", Kind)
def test_only_devices_die(kind):
    """A topic or a condition is refused with the same words."""
    row = answer(404, ErrorBody("UNREGISTERED", True), kind)
    is_device = kind in {"token", "fid"}
    assert row.follows is (Follows.DEAD if is_device else Follows.REJECTED)
    assert row.dead == (DeadReason.UNREGISTERED if is_device else None)


def test_a_bad_fid():
    """It is named by its own field, whatever the words."""
    assert (
        answer(400, ErrorBody("INVALID_ARGUMENT", message=MESSAGE), Kind.FID).reason
        == "INVALID_ARGUMENT: message.fid"
    )


def test_doubtful_deaths():
    """What living tokens are refused for too, in an outage or by a wrong project, is watched by the guard."""
    bad = answer(400, ErrorBody("INVALID_ARGUMENT", message=MESSAGE), Kind.TOKEN)
    foreign = answer(403, ErrorBody("SENDER_ID_MISMATCH", True), Kind.TOKEN)
    unknown = answer(404, ErrorBody("NOT_FOUND"), Kind.TOKEN)
    assert {bad.dead, foreign.dead, unknown.dead} <= DOUBTFUL


def test_reasons_are_short():
    """However long the detail."""
    row = answer(400, ErrorBody("INVALID_ARGUMENT", fields=("f" * 64,)), Kind.TOKEN)
    assert len(row.reason) == LONGEST_REASON
