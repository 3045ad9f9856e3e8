"""Taking endpoint strings apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import quoteStringArgument

from pushgate.model.endpoint_parts import EndpointParts, endpoint_parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("tcp:7215", ("tcp", ["7215"], {})),
        ("tcp:7215:interface=127.0.0.1", ("tcp", ["7215"], {"interface": "127.0.0.1"})),
        (r"tls:\:\:1:7215:trustRoots=/a\:b", ("tls", ["::1", "7215"], {"trustRoots": "/a:b"})),
        ("", ("", [], {})),
        ("tcp::", ("tcp", [], {})),
    ],
)
def test_the_parts(text, parts):
    """Words by place, others by key, without the marks of escaping."""
    assert endpoint_parts(text) == EndpointParts(*parts)


@given(st.text(min_size=1).filter(lambda text: "=" not in text and "\n" not in text))
def test_what_twisted_escapes_comes_back(text):
    """As Twisted's own reader has it."""
    assert endpoint_parts(f"tcp:{quoteStringArgument(text)}").words == [text]
