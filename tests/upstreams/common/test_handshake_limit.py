"""How often a pool of connections may connect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.upstreams.common.handshake_limit import MANY, PERIOD, SPREAD, HandshakeLimit


def attempts(handshakes, count):
    """When `count` attempts are made, each as soon as it may be."""
    now, times = 1000.0, []
    while len(times) < count:
        now += handshakes.wait(now)
        handshakes.made(now)
        times.append(now - 1000.0)
    return times


def test_handshakes_are_bounded():
    """No minute has more of them than it may; until then nothing waits."""
    times = attempts(HandshakeLimit(3, lambda: 0.5), 7)
    assert times == [0.0, 0.0, 0.0, PERIOD, PERIOD, PERIOD, 2 * PERIOD]


@given(st.integers(1, 5), st.lists(st.floats(0, 40), min_size=1, max_size=30))
def test_no_minute_has_more(limit, pauses):
    """Whenever attempts are wanted, any minute has at most so many."""
    handshakes, now, times = HandshakeLimit(limit, lambda: 0.0), 0.0, []
    for pause in pauses:
        now += pause
        if handshakes.wait(now) == 0.0:
            handshakes.made(now)
            times.append(now)
    assert all(sum(at <= each < at + PERIOD for each in times) <= limit for at in times)


@given(st.integers(1, 5), st.lists(st.tuples(st.floats(0, 40), st.booleans()), min_size=1, max_size=30))
def test_no_minute_has_more_in_vain(limit, attempts):
    """Attempts whose connections prove of use do not count, whenever they do; the others are bounded."""
    handshakes, now, useless, refused = HandshakeLimit(limit, lambda: 0.0), 0.0, [], 0
    for pause, is_useful in attempts:
        now += pause
        if handshakes.wait(now) > 0.0:
            refused += 1
            assert sum(now - PERIOD < each <= now for each in useless) == limit
            continue
        handshakes.made(now)
        if is_useful:
            handshakes.used(now)
        else:
            useless.append(now)
    assert all(sum(at <= each < at + PERIOD for each in useless) <= limit for at in useless)


def test_used_long_after():
    """One that was made longer ago than is counted changes nothing."""
    handshakes = HandshakeLimit(1, lambda: 0.0)
    handshakes.made(0.0)
    handshakes.made(PERIOD)
    assert handshakes.wait(PERIOD) == PERIOD
    handshakes.used(0.0)
    assert handshakes.wait(PERIOD) == PERIOD


def test_no_bound():
    """Zero sets no limit."""
    assert attempts(HandshakeLimit(0, lambda: 1.0), 100) == [0.0] * 100


def test_what_was_lost_together_does_not_come_back_together():
    """Each successor keeps a random distance from the attempt before; then attempts need not any more."""
    chances = iter([0.5, 1.0, 0.25])
    handshakes = HandshakeLimit(0, lambda: next(chances))
    handshakes.lost()
    handshakes.lost(2)
    gaps = [0.0, 0.5 * SPREAD, 1.5 * SPREAD, 1.75 * SPREAD, 1.75 * SPREAD]
    assert attempts(handshakes, 5) == pytest.approx(gaps)


def test_a_long_outage_does_not_slow_down_what_follows_for_ever():
    """However many attempts failed, so many keep apart at most."""
    handshakes = HandshakeLimit(0, lambda: 1.0)
    handshakes.lost(10**6)
    assert attempts(handshakes, 10 * MANY)[-1] == pytest.approx(MANY * SPREAD)
