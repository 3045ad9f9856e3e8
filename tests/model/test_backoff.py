"""How long to wait before the next attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.backoff import MANY, PERIOD, SPREAD, HandshakeLimit, delay


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


def attempts(handshakes, count):
    """When `count` attempts are made by somebody who makes each as soon as it may be."""
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
