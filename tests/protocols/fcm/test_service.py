"""Answers as the exchange reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.fcm.requests import HOST, FcmRequests
from pushgate.protocols.fcm.service import FcmService
from pushgate.protocols.http_push.answers import Follows
from tests.protocols.fcm.errors import FCM, RPC, error
from tests.samples import span

SERVICE = FcmService(HOST, FcmRequests("news"), message_ids=True)
WALL = 1_700_000_000.0
SENT = (span(tokens=[b"T", b"topic:x"]), 0, 0.0, 1)


def read(status, body=b"", *headers, sent=SENT):
    """Read an answer."""
    return SERVICE.read(sent, status, headers, body, WALL)


@pytest.mark.parametrize(
    ("body", "unique_id"),
    [
        (b'{\n  "name": "projects/news/messages/0:1500415314455276%31bd1c9631bd1c96"\n}\n', "0:1500415314455276%31bd1c9631bd1c96"),
        (b'{"name":"x"}', "x"),
        (b'{"name":"projects/"}', ""),
        (b'{"name":5}', ""),
        (b"", ""),
        (b'{"name":"a/b\\n"}', "b\\n"),
    ],
)  # fmt: skip
def test_accepted(body, unique_id):
    """The last part of the name is what Google calls the message."""
    reply = read(200, body)
    assert (reply.row.follows, reply.unique_id) == (Follows.ACCEPTED, unique_id)


def test_ids_are_kept_only_when_they_are_wanted():
    """Without them neighbours have the same outcome, and are reported together."""
    service = FcmService(HOST, FcmRequests("news"))
    sent = span(tokens=[b"t"]), 0, 0.0, 1
    assert service.read(sent, 200, (), b'{"name":"projects/news/messages/1"}', WALL).unique_id == ""


def test_how_long_to_wait():
    """The header goes before the body, the body before the table."""
    busy = error("UNAVAILABLE", "", RPC("RetryInfo", retryDelay="5s"))
    assert read(503, busy, (b"retry-after", b"7")).retry_after == 7.0
    assert read(503, busy, (b"retry-after", b"soon")).retry_after == 5.0
    assert read(503, busy).retry_after == 5.0
    assert read(503, b"").retry_after is None
    assert read(503, b"").row.wait == 10.0
    date = (b"retry-after", b"Tue, 14 Nov 2023 22:15:20 GMT")
    assert read(429, b"", (b"date", b"x"), date).retry_after == 120.0


def test_the_target_decides_who_dies():
    """It is the member's own."""
    gone = error("NOT_FOUND", "", FCM("UNREGISTERED"))
    assert read(404, gone).row.follows is Follows.DEAD
    assert read(404, gone, sent=(SENT[0], 1, 0.0, 1)).row.follows is Follows.REJECTED


@given(
    st.integers(100, 999), st.lists(st.tuples(st.just(b"retry-after"), st.binary(max_size=20))), st.binary()
)
def test_whatever_comes(status, headers, body):
    """Nothing is raised, and a reason is one printable line."""
    assert SERVICE.read(SENT, status, headers, body, WALL).row.reason.isprintable()


def test_goaway():
    """It is about the connection only."""
    row = SERVICE.read_goaway(b"max_age")
    assert (row.reason, row.follows) == ("max_age", Follows.NEW_CONNECTION)
