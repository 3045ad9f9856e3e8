"""What push services say of a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.http_push.answers import LONGEST_REASON
from pushgate.protocols.webpush.answer_body import is_of_another_key, reason

GOOGLE = b"the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"code":410,"errno":103,"error":"Gone","message":"Expired","more_info":"http://x"}',
            "103 Expired",
        ),
        (b'{"code":410,"errno":106,"error":"Gone"}', "106 Gone"),
        (b'{"errno":999}', "999"),
        (b'{"error":"Unauthorized","message":"VAPID public key mismatch"}', "VAPID public key mismatch"),
        (b'{"reason":"BadJwtToken"}', "BadJwtToken"),
        (b'{"reason":5.5}', ""),
        (
            b"push subscription has unsubscribed or expired.\nmore\n",
            "push subscription has unsubscribed or expired.",
        ),
        (b"<html><h1>Not Found</h1>", ""),
        (b"[1]", ""),
        (b"{broken", ""),
        (b"", ""),
        (b" a\x1b[31m\xff", "a\\x1b[31m\\xff"),
        (GOOGLE, GOOGLE[:64].decode()),
    ],
)
def test_bodies(body, said):
    """Each in its own form."""
    assert reason((), body) == said


def test_microsoft():
    """It says so in a header."""
    assert (
        reason(((b"x-wns-error-description", b"The channel has expired"),), b"") == "The channel has expired"
    )


@pytest.mark.parametrize(
    "body",
    [GOOGLE, b'{"reason":"VapidPkHashMismatch"}', b'{"errno":109,"message":"VAPID public key mismatch"}'],
)
def test_of_another_key(body):
    """As Google, Apple and Mozilla say it."""
    assert is_of_another_key(body)
    assert not is_of_another_key(b"invalid JWT provided\n")


@given(st.binary(max_size=200), st.binary(max_size=100))
def test_anything(body, value):
    """Whatever comes, a reason is one printable line, and short."""
    found = reason([(b"x-wns-error-description", value)], body)
    assert found.isprintable()
    assert len(found) <= LONGEST_REASON
    is_of_another_key(body)
