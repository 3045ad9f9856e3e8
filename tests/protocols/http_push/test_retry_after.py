"""The header Retry-After."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.http_push.retry_after import LONGEST, retry_after

WALL = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("", None), (b"soon", None), ("-5", None), ("1e3", None), ("nan", None),
        (b"0", 0.0), (b" 120 ", 120.0), ("1.5", 1.5), ("99999999999999999999", LONGEST), ("9" * 65, None),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0), (b"Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0), ("Sun, 06 Nov 1994 09:50:37 +0100", 60.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0), ("Sun, 06 Nov 2094 08:00:00 GMT", LONGEST),
        ("Sun, 06 Nov 0000 08:00:00 GMT", LONGEST), ("Sun, 99 Nov 99999 08:00:00 GMT", None), (b"\xff\xfe", None),
    ],
)  # fmt: skip
def test_both_forms(value, seconds):
    """Seconds and dates are read, within bounds; what is neither says nothing."""
    assert retry_after(value, WALL) == seconds


@given(
    st.none()
    | st.text(max_size=80)
    | st.binary(max_size=80)
    | st.dates().map(lambda day: f"{day:%a, %d %b %Y} 00:00:00 GMT")
)
def test_whatever_comes(value):
    """It raises nothing and stays within bounds."""
    found = retry_after(value, WALL)
    assert found is None or 0.0 <= found <= LONGEST
