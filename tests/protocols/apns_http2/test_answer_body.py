"""The JSON of refusals and of GOAWAY."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_http2.answer_body import AnswerBody, read


@given(st.binary(max_size=40))
def test_anything(body):
    """Whatever comes, a reason is a printable text."""
    assert read(body).reason.isprintable()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b"{", b"[" * 100_000, b'{"reason":5}', b'{"timestamp":"soon"}', b"<html>"]
)
def test_not_apples(body):
    """What is not Apple's JSON gives neither a reason nor a time."""
    found = read(body)
    assert (found.reason, found.timestamp) == ("", None)


def test_fields():
    """Reason and time are found among others, and a reason is kept short and printable."""
    found = read(b'{"x":[1],"timestamp":1437179036123,"reason":"Unregistered"}')
    assert found == AnswerBody("Unregistered", 1437179036123)
    assert read(b'{"reason":"a\\u001b%s"}' % (b"b" * 500)).reason.isprintable()
    assert len(read(b'{"reason":"%s"}' % (b"b" * 500)).reason) < 100
