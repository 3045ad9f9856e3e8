"""Bodies in JSON of any peer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.http_push.json_body import read_object, word


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b"\xff",
        b'{"a":"\xff"}',
        b"[" * 100_000,
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        "\ud800",
    ],
)
def test_what_is_no_object(body):
    """A body that is no JSON object is none, whatever is wrong with it."""
    assert read_object(body) is None


def test_words():
    """Texts and numbers are words, printable and within bounds; nothing else is."""
    found = read_object('{"text":"a\\nb","number":7,"true":true,"list":[],"long":"%s"}' % ("x" * 100))
    words = [word(found, key) for key in ("text", "number", "true", "list", "none")]
    assert words == ["a\\nb", "7", "", "", ""]
    assert word(found, "long") == "x" * 64
    assert word(found, "long", 10) == "x" * 10
    assert word(None, "text") == ""


@given(st.binary() | st.text())
def test_whatever_comes(body):
    """It raises nothing."""
    word(read_object(body), "code")
