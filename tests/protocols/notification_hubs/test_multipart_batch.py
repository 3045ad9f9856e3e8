"""Bodies with a notification and many handles, as SDKs and documents write them."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.protocols.notification_hubs.multipart_batch import MAX_PARTS, parse_batch, parse_handles

POINT = "BMBlr6YznhYMX3NgcWIDRxZXs0sh7tCv7_YCsWcww0ZCv9WGg-tRCXfMEHTiBPCksSqeve1twlbmVAZFv7GSuj0"
AUTH = "A" * 21 + "Q"
JAVASCRIPT = 'multipart/mixed; boundary = "nh-boundary-1f"'


def javascript(body, devices):
    """The body that npm's package makes."""
    return (
        b"--nh-boundary-1f\r\nContent-type: application/json;charset=utf-8\r\n"
        b"Content-Disposition: inline; name=notification\r\n\r\n" + body + b"\r\n"
        b"--nh-boundary-1f\r\nContent-type: application/json\r\n"
        b"Content-Disposition: inline; name=devices\r\n\r\n" + devices + b"\r\n--nh-boundary-1f--"
    )


def test_as_javascript_writes_it():
    """Blanks round the equals sign, and nothing behind the last boundary."""
    batch = parse_batch(JAVASCRIPT, javascript(b'{"aps":{}}', b'["aa","bb"]'), 10)
    assert (batch.body, batch.handles) == (b'{"aps":{}}', ("aa", "bb"))


@pytest.mark.parametrize("quoted", ['"nh-b"', "'nh-b'", "nh-b"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_as_others_write_it(quoted, end):
    """The boundary in any quotes or none, a preamble, headers in any case and order, single quotes."""
    lines = (
        b"a preamble", b"--nh-b  ", b"CONTENT-DISPOSITION: inline; NAME=\"devices\"", b"",
        b"['a', 'it\\'s', \"c\"]", b"--nh-b", b"content-disposition: inline;name='Notification'",
        b"content-type: application/xml", b"", b"<toast/>", b"", b"--nh-b--", b"and what follows",
    )  # fmt: skip
    batch = parse_batch(f"Multipart/Mixed;charset=utf-8; Boundary={quoted}", end.join(lines), 10)
    assert (batch.body, batch.handles) == (*(b"<toast/>" + end, ("a", "it's", "c"))[:1], ("a", "it's", "c"))


def test_the_last_boundary_may_be_missing():
    """Then the last part ends with the body."""
    data = javascript(b"{}", b'["aa"]').removesuffix(b"\r\n--nh-boundary-1f--")
    assert parse_batch(JAVASCRIPT, data, 10).handles == ("aa",)


def test_browsers():
    """Their handles are objects, as the SDK's type has them."""
    browser = {"endpoint": "https://push.example.com/a", "p256dh": POINT, "auth": AUTH}
    [handle] = parse_handles(json.dumps([browser]).encode())
    assert json.loads(handle)["keys"] == {"p256dh": POINT, "auth": AUTH}


def test_limits():
    """More handles than the limit are counted, not taken."""
    data = javascript(b"{}", json.dumps(["a"] * 11).encode())
    with pytest.raises(TooLarge, match="devices: 11 handles; at most 10"):
        parse_batch(JAVASCRIPT, data, 10)
    parts = b"--nh-boundary-1f\r\n\r\n\r\n" * MAX_PARTS + javascript(b"{}", b'["a"]')
    with pytest.raises(Invalid, match="body: 0 parts"):
        parse_batch(JAVASCRIPT, parts, 10)


@pytest.mark.parametrize(
    "devices",
    [b"", b"[]", b'[""]', b"{}", b"[1]", b"['a'", b"['a',]", b"['a']x", b"['a' 'b']", b"a", b"\xff", b"[[[["],
)
def test_arrays_that_are_none(devices):
    """Refused with their length, not with what is in them."""
    with pytest.raises(Invalid, match=r"^devices: "):
        parse_handles(devices)


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/mixed", "multipart/mixed; boundary=", 'x; boundary="a"'],
)
def test_content_types_that_are_none(content_type):
    """Without a boundary there are no parts."""
    with pytest.raises(Invalid, match="Content-Type"):
        parse_batch(content_type, b"", 10)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"--b\r\nContent-Disposition: inline; name=devices\r\n\r\n[]",
        b"--b\r\nno end of the head",
        b"--b\r\nx: y\r\n\r\nno name\r\n--b--",
        b"--b\r\n" + b"x" * 5000 + b"\r\nContent-Disposition: inline; name=devices\r\n\r\n[]\r\n--b--",
    ],
)
def test_bodies_that_are_none(data):
    """The parts that have names are counted."""
    with pytest.raises(Invalid, match=r"^body: . parts that have names"):
        parse_batch("multipart/mixed;boundary=b", data, 10)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.binary().filter(lambda data: b"--nh-boundary" not in data), st.lists(TEXTS, min_size=1, max_size=9))
def test_any_body_and_handles(body, handles):
    """What was put in comes out, byte by byte."""
    batch = parse_batch(JAVASCRIPT, javascript(body, json.dumps(handles).encode()), 10)
    assert (batch.body, batch.handles) == (body, tuple(handles))


@given(st.lists(TEXTS, min_size=1, max_size=9))
def test_any_handles_in_single_quotes(handles):
    """A backslash keeps a quote or a backslash in a text."""
    quoted = [each.replace("\\", "\\\\").replace("'", "\\'") for each in handles]
    joined = ", ".join(f"'{each}'" for each in quoted)
    if "\ufffd" not in joined:
        assert parse_handles(f" [ {joined}]".encode()) == tuple(handles)


@given(st.binary(), st.text())
def test_rubbish_is_refused(data, content_type):
    """Nothing else than a refusal, whatever comes."""
    for kind in (content_type, JAVASCRIPT):
        for body in (data, b"--nh-boundary-1f\r\n" + data, javascript(b"{}", data)):
            with contextlib.suppress(Refusal):
                parse_batch(kind, body, 10)
