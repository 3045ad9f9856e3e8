"""Targets as text, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.model.target import MAX_TARGET, TargetForm


@given(st.binary(min_size=1, max_size=MAX_TARGET))
def test_hex_goes_there_and_back(target):
    """Any bytes can be written in hex, and are read again."""
    assert TargetForm.HEX.parse(TargetForm.HEX.write(target)) == target


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=1000))
def test_text_goes_there_and_back(text):
    """Text is its own UTF-8."""
    assert TargetForm.TEXT.parse(text) == text.encode()
    assert TargetForm.TEXT.write(text.encode()) == text


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (TargetForm.HEX, "0"),
        (TargetForm.HEX, "0x"),
        (TargetForm.HEX, ""),
        (TargetForm.HEX, "00" * 11),
        (TargetForm.TEXT, ""),
        (TargetForm.TEXT, "x" * 11),
        (TargetForm.TEXT, "\ud83d"),
    ],
)
def test_what_is_no_target(form, text):
    """The error names the field, how long the text is, and the rule; never the text."""
    with pytest.raises(Invalid, match=r"^target: .*1 to 10 bytes") as caught:
        form.parse(text, 10, "target")
    assert len(text) < 2 or text not in str(caught.value)


def test_bytes_that_are_no_text_can_be_written():
    """A record can always be made, whatever was submitted as bytes."""
    assert TargetForm.TEXT.write(b"a\xff") == "a\ufffd"


def test_texts_of_one_length_are_read_all_at_once():
    """Whether text or bytes; what is no hex, or only looks as long as the others, is left to be read one by one."""
    for texts in (["0a0b", "0C0D"], [b"0a0b", b"0C0D"]):
        packed = TargetForm.HEX.pack(texts)
        assert packed is not None
        assert list(packed) == [b"\x0a\x0b", b"\x0c\x0d"]
    for texts in (["0a0b", "0axy"], ["0a0b", "0a 0"], ["0a0b", "0a"], ["0a0"]):
        assert TargetForm.HEX.pack(texts) is None
    assert TargetForm.TEXT.pack(["a", "b"]) is None
