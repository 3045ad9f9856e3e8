"""JSON with half of a surrogate pair in it: the one text or payload is bad, and the rest of it is read."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.inputs.common.half_surrogates import decode_with_halves
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.common.schemas import Body, decode_body, decode_notifications
from pushgate.model.errors import Invalid
from pushgate.model.notification import MAX_BATCH

HALF = "\ud83d"
BAD = HALF.encode("utf-8", "surrogatepass")


def members(body: bytes) -> list[tuple[str, bytes, str | None]]:
    """Token, payload and collapse id of each notification of a list."""
    read: Body = decoded(decode_body, body, "body")
    assert isinstance(read.notifications, list)
    return [(each.token, bytes(each.payload), each.collapse_id) for each in read.notifications]


@pytest.mark.parametrize(
    ("spelled", "read"),
    [
        (rb"\ud83d", BAD),
        (rb"\uDE00", BAD),
        (rb"\ud83dx", BAD + b"x"),
        (rb"\ud83d\ud83d\ude00", BAD + rb"\ud83d\ude00"),
        (rb"\ud83d\ud83d", BAD),
        (rb"\\\ud83d", rb"\\" + BAD),
        (BAD, BAD),
        (rb"half00\ud83d", b"half00" + BAD),
    ],
)
def test_a_payload(spelled: bytes, read: bytes) -> None:
    """The halves in it are no UTF-8; everything beside them is as it was written."""
    body = (
        b'{"notifications":[{"token":"0a","payload":{"t":"%b"}},{"token":"0b","payload":{"t":"\\\\ud83d"}}]}'
    )
    payload = b'{"t":"%b"}'
    assert members(body % spelled) == [("0a", payload % read, None), ("0b", payload % rb"\\ud83d", None)]


def test_a_text() -> None:
    """It comes out with the half, which no check takes for Unicode; the others are as they were."""
    body = rb'{"notifications":[{"token":"\ud83d","payload":{}},{"token":"0b","collapse_id":"x\ude00","payload":{}}]}'
    assert members(body) == [(HALF, b"{}", None), ("0b", b"{}", "x" + HALF)]
    read: Body = decoded(decode_body, rb'{"tokens":["0a","\ud83d"],"payload":{}}', "body")
    assert read.tokens == ["0a", HALF]


def test_lines() -> None:
    """A block of lines is read like a list."""
    block = b'{"token":"0a","payload":{"t":"\\ud83d"}}\n{"token":"0b","payload":{}}'
    assert [bytes(each.payload) for each in decoded(decode_notifications, block, "body")] == [
        b'{"t":"%b"}' % BAD, b"{}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b'{"notif',
        rb'{"tokens":["\ud83d"],"payload":{}',
        rb'{"tokens":["\ud83d"],"payload":{},"odd":1}',
        rb'{"tokens":[\ud83d],"payload":{}}',
        b'{"tokens":["' + rb"\ud83dx" * (MAX_BATCH + 1) + b'"],"payload":{}}',
        b'{"tokens":["' + b"".join(b"half%02d" % n for n in range(20)) + rb'\ud83d"],"payload":{}}',
    ],
)
def test_what_else_is_wrong_is_refused_whole(body: bytes) -> None:
    """Halves excuse nothing; and there is a bound for how many are looked for."""
    with pytest.raises(Invalid):
        decoded(decode_body, body, "body")


@given(st.lists(st.sampled_from(["\\", '"', HALF, "\ude00", "u", "d83d", "é", "😀"])).map("".join))
def test_any_text(text: str) -> None:
    """Of any JSON text, what is Unicode is read as the standard library reads it."""
    body = json.dumps({"tokens": [text], "payload": {}}).encode()
    [read] = decoded(decode_body, body, "body").tokens
    theirs = json.loads(json.dumps(text))
    unified = theirs.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert read.replace(HALF, "") == unified.replace("\ufffd", "")


@pytest.mark.parametrize(
    "text", [rb"\ud83d" * 400_000, rb"\\" * 1_200_000 + rb"\ud83d", rb"\ud83d\ude00" * 200_000 + rb"\ud83d"]
)
def test_a_long_text_takes_no_time(text: bytes) -> None:
    """What is looked for is found in one pass."""
    began = process_time()
    assert decode_with_halves(decode_body, b'{"tokens":["%b"],"payload":{}}' % text) is not None
    assert process_time() - began < 2
