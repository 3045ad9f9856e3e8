"""What is shown of a peer's words."""

import pytest

from pushgate.model.printable import escaped, printable


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("CN=news", "CN=news"),
        ("CN=Zürich, O=東京", "CN=Zürich, O=東京"),
        ("CN=a\r\nb", r"CN=a\r\nb"),
        ("\x1b[2J\x1b]0;x\x07", r"\x1b[2J\x1b]0;x\x07"),
        ("\x9b31m\x7f\0", r"\x9b31m\x7f\x00"),
        ("a\u202eb\u2028c\ufeff", r"a\u202eb\u2028c\ufeff"),
        ("\ud83d", r"\ud83d"),
        (b"caf\xc3\xa9 \xff\x1b", r"café \xff\x1b"),
        (ValueError("a\tb"), r"a\tb"),
    ],
)
def test_control_characters_are_escaped(words, shown):
    """Whatever moves a cursor, ends a line or turns the direction of writing; letters of all kinds stay."""
    assert printable(words) == shown


def test_it_is_short():
    """A peer that has much to say is cut, with a mark."""
    assert printable("x" * 1000) == "x" * 200 + "…"
    assert printable("x" * 1000, 3) == "xxx…"
    assert printable("xxx", 3) == "xxx"


def test_a_line_keeps_its_tabs():
    """A line of a log is escaped as a whole, but for tabs, which traces are indented with."""
    assert escaped("\ta\x1b[2J\rb") == "\ta\\x1b[2J\\rb"
    assert escaped("well") == "well"
