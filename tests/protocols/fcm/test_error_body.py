"""The JSON of Google's errors."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.fcm.error_body import MOST, ErrorBody, read
from tests.protocols.fcm.errors import APNS, FCM, RPC, error

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["@type", "errorCode", "reason", "statusCode", "violations", "fieldViolations", "x"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.binary(max_size=60))
def test_anything(body):
    """Whatever comes, all texts are printable."""
    found = read(body)
    assert f"{found.code}{found.message}".isprintable()


@given(JSON, JSON)
def test_any_json(whole, details):
    """Details of another shape than Google's are passed over, the rest is read."""
    read(msgspec.json.encode(whole))
    found = read(msgspec.json.encode({"error": {"status": "X", "details": [details, FCM("Y")]}}))
    assert found.code == "Y"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b"{", b"[" * 100_000, b'{"error":5}', b'{"error":{"status":5}}', b"<html>"]
)
def test_not_googles(body):
    """What is not Google's JSON gives nothing."""
    assert read(body) == ErrorBody()


def test_all_details():
    """Each is read by its type."""
    body = error(
        "INVALID_ARGUMENT",
        "Bad\n",
        FCM("THIRD_PARTY_AUTH_ERROR"),
        APNS(403, "InvalidProviderToken"),
        RPC("BadRequest", fieldViolations=[{"field": "message.data", "description": "x"}, {"field": "y"}]),
        RPC("QuotaFailure", violations=[{"subject": "device:1", "description": "Device rate"}]),
        RPC("RetryInfo", retryDelay="12.5s"),
        RPC("ErrorInfo", reason="SERVICE_DISABLED", domain="googleapis.com"),
        RPC("Help", links=[]),
    )
    assert read(body) == ErrorBody(
        "THIRD_PARTY_AUTH_ERROR",
        True,
        "Bad\\n",
        403,
        "InvalidProviderToken",
        ("message.data", "y"),
        "device:1 Device rate",
        "SERVICE_DISABLED",
        12.5,
    )


def test_bounds():
    """Of what comes without end a part is read, and of a text a part is kept."""
    many = [RPC("BadRequest", fieldViolations=[{"field": "f" * 1000}] * 100)] * 100
    found = read(error("s" * 1000, "m" * 10_000, *many))
    assert len(found.fields) == MOST * MOST
    assert max(map(len, (*found.fields, found.code))) < 100
    assert len(found.message) < 600


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("0s", 0.0), ("3.000000001s", 3.000000001), ("-1s", None), ("1", None), ("9" * 99 + "s", None)],
)
def test_delays(delay, seconds):
    """As Google writes a duration."""
    assert read(error("X", "", RPC("RetryInfo", retryDelay=delay))).retry_delay == seconds


def test_an_empty_code_is_none():
    """The status stands."""
    found = read(error("INTERNAL", "", FCM("")))
    assert (found.code, found.is_fcm) == ("INTERNAL", False)
