"""Figures in columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.health.words import BARS, age, days_left, number, rate, share, size, sparkline


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (0.0, "-"), (0.04, "-"), (0.05, "0.1s"), (9.94, "9.9s"), (9.95, "10s"), (59.4, "59s"), (59.6, "1m00s"),
     (192, "3m12s"), (3599.6, "1h00m"), (86_399, "23h59m"), (86_400, "1d"), (9e6, "104d")],
)  # fmt: skip
def test_ages(seconds, words):
    """An age has at most two units."""
    assert age(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (999_999, "999,999"), (1_000_000, "1.0M"), (12_345_678, "12.3M"), (2_500_000_000, "2.5G")],
)
def test_numbers(value, words):
    """Digits in groups while they fit a column."""
    assert number(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "-"), (0.04, "0.0"), (12.34, "12.3"), (99.96, "100"), (12_345.6, "12,346")]
)
def test_rates(value, words):
    """A fraction for small rates."""
    assert rate(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (83_834_908_672, "83.8 GB"), (5 * 10**18, "5000.0 PB")],
)
def test_sizes(value, words):
    """Bytes in a suitable unit."""
    assert size(value) == words


def test_days():
    """Whole days; negative after the expiry."""
    assert days_left(None, 0.0) is None
    assert [days_left(at, 86_400.0) for at in (86_399.0, 86_400.0, 3 * 86_400.0 - 1)] == [-1, 0, 1]


def test_shares():
    """A share of 0 is 0 %."""
    assert [share(0, 0), share(1, 250), share(1, 10), share(2, 3)] == ["0.0 %", "0.4 %", "10 %", "67 %"]


def test_a_sparkline():
    """The highest value is a full bar, 0 the lowest one, and small values are above it."""
    assert sparkline([0, 1, 500, 1000], 8) == "▁▂▅█"
    assert sparkline([5.0, 0, 1.0], 2) == "▁█"
    assert sparkline([0, 0], 8) == "▁▁"
    assert sparkline([], 8) == ""


@given(st.lists(st.floats(0, 1e12), max_size=40), st.integers(1, 30))
def test_any_sparkline(values, width):
    """One bar for each of the last values; bars are monotonic."""
    bars = sparkline(values, width)
    shown = values[-width:]
    assert len(bars) == len(shown)
    ranked = sorted(zip(shown, map(BARS.index, bars), strict=True))
    assert [height for _, height in ranked] == sorted(height for _, height in ranked)
