"""How long to wait before the next attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.backoff import delay


def test_delays_double():
    """With all the chance there is, each delay is twice the one before."""
    delays = [delay(failures, first=1.5, cap=1000, jitter=lambda: 1.0) for failures in range(1, 6)]
    assert delays == [1.5, 3.0, 6.0, 12.0, 24.0]


def test_the_cap_is_never_passed():
    """From some failure on the delay stays the same, after however many."""
    assert delay(7, first=1.0, cap=60.0, jitter=lambda: 1.0) == 60.0
    assert delay(10**9, first=1.0, cap=60.0, jitter=lambda: 1.0) == 60.0


@pytest.mark.parametrize("failures", [1, 3, 100])
def test_half_is_certain(failures):
    """With no luck at all half the delay is left, so that attempts never bunch at zero."""
    whole = delay(failures, first=1.0, cap=60.0, jitter=lambda: 1.0)
    assert delay(failures, first=1.0, cap=60.0, jitter=lambda: 0.0) == whole / 2


@given(st.integers(1, 10**6), st.floats(0.001, 100), st.floats(0.001, 10_000), st.floats(0, 1))
def test_chance_stays_within_its_half(failures, first, cap, chance):
    """Whatever the chance, a delay lies between half of the doubled time and all of it, and under the cap."""
    whole = min(cap, first * 2.0 ** min(failures - 1, 60))
    found = delay(failures, first=first, cap=cap, jitter=lambda: chance)
    assert whole / 2 <= found <= whole <= cap


def test_chance_is_drawn_anew():
    """Two gateways, or two attempts, do not wait equally long."""
    chances = iter([0.25, 0.75])
    delays = [delay(1, first=1.0, cap=60.0, jitter=lambda: next(chances)) for _ in range(2)]
    assert delays == [0.625, 0.875]
