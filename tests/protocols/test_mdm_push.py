"""The push that wakes a managed device."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.protocols.mdm_push import (
    MAX_MAGIC,
    is_mdm_topic,
    push_payload,
    push_type_with,
    shown_hash,
    token_hash,
)

MAGIC = "47250C9C-1B37-4381-98A9-0B8315A441C7"


def test_payload():
    """It is exactly one key, as Apple's documentation shows it."""
    assert push_payload(MAGIC) == b'{"mdm":"47250C9C-1B37-4381-98A9-0B8315A441C7"}'
    assert push_payload('a"\\\n') == b'{"mdm":"a\\"\\\\\\n"}'


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=MAX_MAGIC // 4))
def test_every_magic_comes_back(magic):
    """A push magic is opaque: whatever it holds, the device reads the same."""
    assert json.loads(push_payload(magic)) == {"mdm": magic}


@pytest.mark.parametrize(
    ("magic", "shape"), [("", "0 bytes"), ("x" * 256, "256 bytes"), ("\ud800", "1 char")]
)
def test_no_magic(magic, shape):
    """An empty or overlong one, and what is no text, are refused; the error does not hold it."""
    with pytest.raises(Invalid, match=f"^push_magic: {shape}") as caught:
        push_payload(magic)
    assert not magic or magic not in str(caught.value)


def test_push_type():
    """A push magic makes an MDM push, whatever else may be said."""
    assert push_type_with(None, "alert") == "alert"
    assert push_type_with(MAGIC, None) == push_type_with(MAGIC, "mdm") == "mdm"
    with pytest.raises(Invalid, match="push_type"):
        push_type_with(MAGIC, "alert")


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("com.apple.mgmt.External.0b8315a4", True),
        ("com.apple.mgmt.", False),
        ("com.example.news", False),
        ("COM.APPLE.MGMT.External.1", False),
    ],
)
def test_topics(topic, expected):
    """An MDM topic is told by how it begins."""
    assert is_mdm_topic(topic) is expected


def test_token_hash():
    """It is what a sysdiagnose shows; logs have its beginning."""
    token = bytes(range(32))
    assert token_hash(token) == "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
    assert token_hash(token) == hashlib.sha256(token).hexdigest()
    assert shown_hash(token) == "630dcd2966"
