"""The template of a REST injection."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, TooLarge
from pushgate.protocols.momentum.template import MAX_PLACES, Template


def test_places() -> None:
    """Each of the three notations, in any case; the text goes in as it is."""
    template = Template("<%=:a%> <%= :B %> [%= :a-b %] <%= a %> %= :a %")
    keys = {"a": "1", "b": "<2>", "a-b": "%3"}
    assert template.message(keys, 100) == b"1 <2> %3 <%= a %> %= :a %"


def test_a_key_is_not_read_again() -> None:
    """What a key says is no template."""
    assert Template("<%=:a%>").message({"a": "<%=:a%>"}, 100) == b"<%=:a%>"


def test_line_ends() -> None:
    """Ends of lines are CRLF, whatever they were; no dot is doubled."""
    assert Template("a\nb\rc\r\nd<%=:a%>").message({"a": "\n.\n"}, 100) == b"a\r\nb\r\nc\r\nd\r\n.\r\n"


def test_a_missing_key() -> None:
    """It is named."""
    with pytest.raises(Invalid, match=r"keys: without name; each key"):
        Template("<%=:Name%>").message({}, 100)


def test_bounds() -> None:
    """A message is not made when it would be too long; a template has so many places."""
    with pytest.raises(TooLarge, match=r"message: 2000000 characters; at most 1000"):
        Template("<%=:a%>" * 2).message({"a": "x" * 1_000_000}, 1000)
    Template("<%=:a%>" * MAX_PLACES)
    with pytest.raises(TooLarge, match="places"):
        Template("<%=:a%>" * (MAX_PLACES + 1))


def test_half_of_a_surrogate_pair() -> None:
    """JSON can spell it; there is no such text in UTF-8."""
    with pytest.raises(Invalid, match="Unicode"):
        Template("<%=:a%>").message({"a": "\ud800"}, 100)


@given(
    st.text("<[%=: >]aA-.\r\n", max_size=60), st.dictionaries(st.sampled_from("aA-."), st.text(max_size=5))
)
def test_any_template(text: str, keys: dict[str, str]) -> None:
    """A message without a CR or an LF alone, or a refusal."""
    with contextlib.suppress(Invalid, TooLarge):
        message = Template(text).message({name.lower(): each for name, each in keys.items()}, 1000)
        assert message.replace(b"\r\n", b"").strip(b"\r\n") == message.replace(b"\r\n", b"")
