"""Origins of push services."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.webpush.origin import parse_origin


@pytest.mark.parametrize(
    ("authority", "origin", "text"),
    [
        ("fcm.googleapis.com", Origin("fcm.googleapis.com", 443), "https://fcm.googleapis.com"),
        ("FCM.Googleapis.com:443", Origin("fcm.googleapis.com", 443), "https://fcm.googleapis.com"),
        ("localhost:8443", Origin("localhost", 8443), "https://localhost:8443"),
        ("push_service.a.", Origin("push_service.a.", 443), "https://push_service.a."),
        ("127.0.0.1:1", Origin("127.0.0.1", 1), "https://127.0.0.1:1"),
        ("[::1]", Origin("::1", 443), "https://[::1]"),
        ("[0:0::0001]:65535", Origin("::1", 65535), "https://[::1]:65535"),
    ],
)
def test_origins(authority, origin, text):
    """One spelling for each, as a token's audience has it."""
    assert parse_origin(authority) == origin
    assert str(origin) == text
    assert parse_origin(origin.authority) == origin


@pytest.mark.parametrize(
    "authority",
    [
        "", "a b", "me@host", "me:word@host", "host:", "host:0", "host:65536", "host:x", "-a.b", "a..b",
        "a" * 64, "a." * 130, "höst", "127.1", "2130706433", "0x7f.1.1.256", "10.0.0.256", "[::1", "[::g]",
        "[1.2.3.4]", "::1", "host\n", "host/", "host%41",
    ],
)  # fmt: skip
def test_no_origins(authority):
    """Users, ports that are none, and addresses that are read in several ways."""
    assert parse_origin(authority) is None


@given(st.text(max_size=20))
def test_any_text(text):
    """Nothing is raised, and what is an origin is found again in its own spelling."""
    found = parse_origin(text)
    assert found is None or parse_origin(found.authority) == found
