"""The template of a REST injection."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, TooLarge
from pushgate.protocols.momentum.template import MAX_PLACES, Template


def test_placeholders() -> None:
    """All three notations, case-insensitive; values are inserted unchanged."""
    template = Template("<%=:a%> <%= :B %> [%= :a-b %] <%= a %> %= :a %")
    keys = {"a": "1", "b": "<2>", "a-b": "%3"}
    assert template.message(keys, 100) == b"1 <2> %3 <%= a %> %= :a %"


def test_values_are_not_expanded() -> None:
    """Placeholders in a value are not expanded."""
    assert Template("<%=:a%>").message({"a": "<%=:a%>"}, 100) == b"<%=:a%>"


def test_line_ends() -> None:
    """All line ends become CRLF; dots are not doubled."""
    assert Template("a\nb\rc\r\nd<%=:a%>").message({"a": "\n.\n"}, 100) == b"a\r\nb\r\nc\r\nd\r\n.\r\n"


def test_a_missing_key() -> None:
    """The error names the key."""
    with pytest.raises(Invalid, match=r"keys: without name; each key"):
        Template("<%=:Name%>").message({}, 100)


def test_bounds() -> None:
    """The size of a message and the number of placeholders are limited."""
    with pytest.raises(TooLarge, match=r"message: 2000000 characters; at most 1000"):
        Template("<%=:a%>" * 2).message({"a": "x" * 1_000_000}, 1000)
    Template("<%=:a%>" * MAX_PLACES)
    with pytest.raises(TooLarge, match="places"):
        Template("<%=:a%>" * (MAX_PLACES + 1))


def test_half_of_a_surrogate_pair() -> None:
    """A lone surrogate, which JSON can express, is refused."""
    with pytest.raises(Invalid, match="Unicode"):
        Template("<%=:a%>").message({"a": "\ud800"}, 100)


@given(
    st.text("<[%=: >]aA-.\r\n", max_size=60), st.dictionaries(st.sampled_from("aA-."), st.text(max_size=5))
)
def test_any_template(text: str, keys: dict[str, str]) -> None:
    """Any template gives a message without bare CR and LF, or is refused."""
    with contextlib.suppress(Invalid, TooLarge):
        message = Template(text).message({name.lower(): each for name, each in keys.items()}, 1000)
        assert message.replace(b"\r\n", b"").strip(b"\r\n") == message.replace(b"\r\n", b"")
