"""Deaths as lines of text, and back."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import (
    DOUBTFUL,
    MAX_HEX,
    DeadReason,
    DeadTokenEntry,
    fits_a_line,
    json_line,
    line,
    longest,
    parse,
)
from pushgate.model.errors import Invalid
from pushgate.model.target import MAX_TARGET, TargetForm

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


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(
    TEXTS | st.sampled_from(['{"endpoint":"https://x"}', "\ufeffa", "a b", "x" * 4096]),
    st.sampled_from(DeadReason),
)
def test_text_there_and_back(text, reason):
    """A token that is text is read back from either kind of line; from the plain one, if it can stand on it."""
    death = DeadTokenEntry(text.encode(), 5, reason)
    assert parse(json_line(death, TargetForm.TEXT), NOW, TargetForm.TEXT) == death
    if fits_a_line(text):
        assert parse(line(death, TargetForm.TEXT), NOW, TargetForm.TEXT) == death


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("https://x/1", True),
        ("a{b}", True),
        ("a b", False),
        ("a\x85b", False),
        ("{}", False),
        ("\ufeffa", False),
    ],
)
def test_what_can_stand_on_a_plain_line(text, fits):
    """Not what has blanks in it, and not what begins as a JSON object or a file does."""
    assert fits_a_line(text) is fits


@pytest.mark.parametrize(("form", "size"), [(TargetForm.HEX, MAX_HEX), (TargetForm.TEXT, MAX_TARGET)])
def test_the_longest(form, size):
    """Tokens of APNs are short; those that are text may be as long as any target."""
    assert longest(form) == size
    assert len(parse(form.write(b"a" * size), NOW, form).token) == size
    with pytest.raises(Invalid):
        parse(form.write(b"a" * (size + 1)), NOW, form)
    with pytest.raises(Invalid):
        parse(form.write(b"a" * 11), NOW, form, 10)


def test_the_words():
    """They keep their places, since registers know a reason by its place: new ones are appended."""
    assert list(DeadReason) == [
        "feedback", "InvalidToken", "InvalidTokenSize", "imported", "BadDeviceToken", "DeviceTokenNotForTopic",
        "Unregistered", "ExpiredToken", "NotFound", "Gone", "InvalidRegistrationId", "SenderIdMismatch",
        "WrongChannel", "InvalidArgument",
    ]  # fmt: skip


def test_what_a_living_token_may_be_refused_for():
    """It is of another environment, topic, sender or app, or the service is in trouble; not that it has ended."""
    assert {
        "InvalidToken", "BadDeviceToken", "DeviceTokenNotForTopic", "InvalidRegistrationId", "SenderIdMismatch",
        "WrongChannel", "InvalidArgument",
    } == DOUBTFUL  # fmt: skip
