"""What services have in common."""

import pytest

from pushgate.protocols.http_push.answers import Answer, Follows
from pushgate.protocols.http_push.plain_service import (
    PlainService,
    each_once,
    explained,
    text_of,
    value_of,
    wait_of,
)

HEADERS = [(b"a", b""), (b"a", b"1"), (b"b", b"2\n\xff"), (b"retry-after", b"30")]


def test_requests_go_to_the_authority():
    """The pseudo headers name it."""
    assert PlainService("push.example:8443").pseudo == (
        (b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"push.example:8443"),
    )  # fmt: skip
    assert PlainService("push.example", "http").pseudo[1] == (b":scheme", b"http")


@pytest.mark.parametrize("debug", [b"", b"max_age", b"\xff\n" * 100])
def test_goaway_is_no_refusal(debug):
    """What was not looked at is sent again on another connection."""
    row = PlainService("push.example").read_goaway(debug)
    assert (row.status, row.follows) == (503, Follows.NEW_CONNECTION)
    assert len(row.reason) <= 64
    assert row.reason.isprintable()


def test_headers():
    """The first name that has a value counts; words are printable."""
    assert value_of(HEADERS, b"a") == b"1"
    assert value_of(HEADERS, b"c", b"b", b"a") == b"2\n\xff"
    assert value_of(HEADERS, b"c") == b""
    assert (text_of(HEADERS, b"b"), text_of(HEADERS, b"b", limit=1), text_of(HEADERS, b"c")) == (
        "2\\nÿ",
        "2",
        "",
    )
    assert (wait_of(HEADERS, 0.0), wait_of([], 0.0)) == (30.0, None)


def test_words_of_the_service_stand_behind_ours():
    """A row is not changed when it says nothing."""
    row = Answer(400, "Bad", Follows.REJECTED, "a header is wrong")
    assert explained(row, "") is row
    assert explained(row, "x-type").words == "a header is wrong: x-type"
    assert explained(Answer(400, "Bad", Follows.REJECTED), "x-type").words == "x-type"


def test_a_shared_payload_is_made_once():
    """Neighbours that are one object share what is made of them."""
    one, other, made = b"one", b"other", []
    assert list(each_once([one, one, other, one], lambda each: made.append(each) or each.upper())) == [
        b"ONE",
        b"ONE",
        b"OTHER",
        b"ONE",
    ]
    assert made == [b"one", b"other", b"one"]
    assert list(each_once([], bytes)) == []
