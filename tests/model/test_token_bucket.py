"""A limit on notifications per second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.token_bucket import BURST, TokenBucket

RATES = st.floats(0.01, 100_000)
UPTIMES = st.floats(0, 10_000_000)


def test_no_rate_no_limit():
    """Rate 0 sets no limit, and nobody ever waits."""
    pace = TokenBucket(0, now=5.0)
    assert pace.allows(1_000_000, now=5.0) == 1_000_000
    pace.spend(1_000_000)
    assert pace.allows(1_000_000, now=5.0) == 1_000_000
    assert (pace.wait(), pace.wait_for(1_000_000, now=5.0)) == (0.0, 0.0)


def test_many_at_once():
    """A submission waits until all of it may go at once, but never for more than can be saved up."""
    bucket = TokenBucket(10, now=0.0, burst=1.0)
    assert bucket.wait_for(10, now=0.0) == 0.0
    bucket.spend(10)
    assert bucket.wait_for(5, now=0.0) == pytest.approx(0.5)
    assert bucket.wait_for(1000, now=0.0) == pytest.approx(1.0)


def test_allowance_is_earned_over_time():
    """A hundred a second: ten at once after idling, then one each hundredth of a second."""
    pace = TokenBucket(100, now=0.0)
    assert pace.allows(50, now=60.0) == 10
    pace.spend(10)
    assert pace.allows(50, now=60.0) == 0
    assert pace.wait() == pytest.approx(0.01)
    assert pace.allows(50, now=60.01) == 1
    assert pace.allows(50, now=60.03) == 3


def test_no_more_than_is_wanted():
    """What is not wanted is not granted."""
    assert TokenBucket(100, now=0.0).allows(3, now=0.0) == 3


def test_what_is_not_spent_stays():
    """Asking costs nothing: only what went counts."""
    pace = TokenBucket(100, now=0.0)
    assert pace.allows(10, now=0.0) == pace.allows(10, now=0.0) == 10
    pace.spend(4)
    assert pace.allows(10, now=0.0) == 6


def test_a_rate_below_one_still_lets_one_go():
    """Once in ten seconds means one, then ten seconds of silence."""
    pace = TokenBucket(0.1, now=0.0)
    assert pace.allows(5, now=0.0) == 1
    pace.spend(1)
    assert pace.wait() == pytest.approx(10.0)
    assert pace.allows(5, now=9.0) == 0
    assert pace.allows(5, now=10.0) == 1


def test_a_clock_that_stands_still_earns_nothing():
    """Nor does one that goes back take anything away."""
    pace = TokenBucket(10, now=100.0)
    pace.spend(1)
    assert pace.allows(5, now=100.0) == 0
    assert pace.allows(5, now=99.0) == 0
    assert pace.wait() == pytest.approx(0.1)


@given(RATES, UPTIMES, st.lists(st.tuples(st.floats(0, 5), st.integers(1, 2000)), min_size=1, max_size=30))
def test_the_rate_holds_over_any_time(rate, start, turns):
    """Whoever takes all that is allowed, whenever, gets at most the rate, and one burst on top of it."""
    pace, now, gone = TokenBucket(rate, start), start, 0
    for wait, wanted in turns:
        now += wait
        allowed = pace.allows(wanted, now)
        assert 0 <= allowed <= wanted
        pace.spend(allowed)
        gone += allowed
    assert gone <= (now - start) * rate * (1 + 1e-6) + max(1.0, rate * BURST) + 0.01


@given(RATES, UPTIMES, st.floats(0, 100))
def test_after_the_wait_one_may_go(rate, now, more):
    """Who sleeps as long as asked wakes up to work: rounding never makes it wait again for next to nothing."""
    pace = TokenBucket(rate, now)
    pace.spend(int(max(1.0, rate * BURST) + more))
    now += pace.wait()
    assert pace.allows(1, now) == 1


def test_a_rate_that_changes():
    """What was earned stays, but no more than the new rate lets one save; no debt is carried over."""
    pace = TokenBucket(100, now=0.0)
    pace.change(20, now=1.0)
    assert pace.allows(50, now=1.0) == 2
    pace.spend(2)
    pace.change(1000, now=1.0)
    assert pace.allows(50, now=1.01) == 10
    pace.spend(50)
    pace.change(1, now=1.01)
    assert pace.wait() == pytest.approx(1.0)


def test_a_limit_is_set_and_lifted():
    """Rate 0 lifts the limit; from none to some, nothing was saved up meanwhile."""
    pace = TokenBucket(0, now=0.0)
    pace.change(10, now=1000.0)
    assert pace.allows(50, now=1000.0) == 1
    pace.change(0, now=1000.0)
    assert pace.allows(50, now=1000.0) == 50
