"""Deaths as lines of text, and back."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason, DeadTokenEntry, json_line, line, parse
from pushgate.model.errors import Invalid

NOW = 1_700_000_000
deaths = st.builds(
    DeadTokenEntry,
    st.binary(min_size=1, max_size=100),
    st.integers(0, 2**32 - 1),
    st.sampled_from(DeadReason),
)


@given(deaths)
def test_there_and_back(death):
    """Either kind of line says all there is."""
    assert parse(line(death), NOW) == death
    assert parse(f" {json_line(death)}\n", NOW) == death
    assert list(json.loads(json_line(death))) == ["token", "since", "reason"]


def test_what_may_be_left_out():
    """A list of bare tokens will do: they are dead since now, because somebody said so."""
    bare = DeadTokenEntry(b"\xaa\xbb", NOW, DeadReason.IMPORTED)
    assert parse("aabb\r\n", NOW) == parse('{"token": "AABB"}', NOW) == bare
    assert parse("aabb 5", NOW) == DeadTokenEntry(b"\xaa\xbb", 5, DeadReason.IMPORTED)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("xy", "token: text of 2 characters; an even number of hex digits"),
        ("aa -5", "since: text of 2 characters; must be Unix seconds, 0 to 4294967295"),
        ("aa 4294967296", "since: text of 10 characters; must be Unix seconds"),
        ("aa " + "9" * 5000, "since: text of 5000 characters; must be Unix seconds"),
        ('{"token": "aa", "since": -1}', "since: a number; must be Unix seconds"),
        ("aa 5 secret", "reason: text of 6 characters; must be one of feedback, InvalidToken"),
        ("aa 5 feedback more", "line: 4 fields; must be TOKEN [SINCE [REASON]], or"),
        ("  ", "line: 0 fields; must be"),
        ('{"token": 5}', "line: text of 12 characters; must be"),
        ('{"token": "aa", "sinse": 5}', "line: text of 27 characters; must be"),
        ("{" * 50, "line: text of 50 characters; must be"),
        ('{"token": "\ud800"}', "line: text of 14 characters; must be"),
    ],
)
def test_bad_lines(text, fault):
    """What is wrong is named, with its shape and the rule, never with the value."""
    with pytest.raises(Invalid) as caught:
        parse(text, NOW)
    assert str(caught.value).startswith(fault)


def test_a_byte_order_mark():
    """Before the first line of a file it is not there."""
    for text in ("aa 5 feedback", '{"token": "aa", "since": 5}'):
        assert parse(f"\ufeff{text}", NOW) == parse(text, NOW)


@given(st.text())
def test_any_text(text):
    """Whatever stands on a line, it is a death or a refusal."""
    with contextlib.suppress(Invalid):
        parse(text, NOW)
