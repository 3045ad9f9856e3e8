"""Targets of FCM: kinds, the fields they become, and what cannot be one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.protocols.fcm.target import DEVICES, Kind, check_target, field, parse

TOKEN = b"cNF2Wm8pT0-aZ1xQy7_Klm:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"
CONDITION = b"'dogs' in topics && ('cats' in topics || !(\"birds\" in topics))"


@pytest.mark.parametrize(
    ("target", "kind", "name"),
    [
        (TOKEN, "token", TOKEN.decode()),
        (b"fid:cNF2Wm8pT0-aZ1xQy7_Klm", "fid", "cNF2Wm8pT0-aZ1xQy7_Klm"),
        (b"topic:news", "topic", "news"),
        (b"/topics/news", "topic", "news"),
        (b"condition:" + CONDITION, "condition", CONDITION.decode()),
        (b'quoted"\\', "token", 'quoted"\\'),
        (b"fi", "token", "fi"),
    ],
)
def test_each_form_has_its_field(target, kind, name):
    """The word before the colon says which; without one it is a token."""
    assert parse(target) == (kind, name.encode())
    check_target(target)
    assert msgspec.json.decode(b"{%b}" % field(target)) == {kind: name}


@given(st.binary(max_size=60) | st.sampled_from([b"fid:", b"topic:"]).map(lambda mark: mark + b'\xff"\n'))
def test_any_bytes_make_valid_json(target):
    """Whatever an earlier configuration has left in the queue."""
    [(kind, name)] = msgspec.json.decode(b"{%b}" % field(target)).items()
    assert kind in set(Kind)
    assert name == parse(target)[1].decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (b"to ken", "token: a token with blanks or other characters; printable ASCII, no blanks"),
        (b"token\n", "token: a token with"),
        (b"t\xc3\xb6ken", "token: a token with"),
        (b"fid:", "token: a fid with"),
        (b"fid:a b", "token: a fid with"),
        (b"topic:", "token: a topic of 0 bytes; topic:NAME of a-z A-Z 0-9 - _ . ~ %"),
        (b"topic:a b", "token: a topic of 3 bytes"),
        (b"topic:/topics/news", "token: a topic of 12 bytes"),
        (b"/topics/a/b", "token: a topic of 3 bytes"),
        (b"condition:", "token: a condition of 0 topics; 1 to 5 topics"),
        (b"condition:" + b" || ".join([b"'a' in topics"] * 6), "token: a condition of 6 topics"),
        (b"condition:'a' in topics && (", "token: a condition; 'NAME' in topics, with"),
        (b"condition:'a' in topics & 'b' in topics", "token: a condition;"),
        (b"condition:'a' in topics; 'b'", "token: a condition;"),
    ],
)
def test_what_cannot_be_one(target, text):
    """The error says what was found, and quotes nothing."""
    with pytest.raises(Invalid) as caught:
        check_target(target)
    assert str(caught.value).startswith(text)


def test_conditions_are_read_in_time():
    """However long and wrong a condition is."""
    with pytest.raises(Invalid):
        check_target(b"condition:'a' in topics" + b" " * 4000 + b"x")


def test_devices():
    """Only a device can be dead."""
    assert {Kind.TOKEN, Kind.FID} == DEVICES
