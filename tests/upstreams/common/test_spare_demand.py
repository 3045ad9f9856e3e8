"""How many connections should wait to take the place of one that ends."""

from hypothesis import given
from hypothesis import strategies as st

from pushgate.upstreams.common.spare_demand import LEAD, MOST, SpareDemand


def ending(rate, seconds, least=1):
    """The demand after so many ends a second for so long, and the time."""
    demand, now = SpareDemand(least), 1000.0
    for number in range(round(rate * seconds)):
        now = 1000.0 + number / rate
        demand.ended(now)
    return demand, now


def test_none_ends():
    """As many as are configured; none at all where none is."""
    assert SpareDemand(3).wanted(1000.0) == 3
    demand, now = ending(100, 5, least=0)
    assert demand.wanted(now) == 0


def test_one_ends_now_and_then():
    """No more than are configured."""
    demand, now = ending(1, 60)
    assert demand.wanted(now) == 1


def test_many_end():
    """So many as end until a new connection is of use; as many as there may be at most."""
    demand, now = ending(50, 5)
    assert 0.9 * 50 * LEAD <= demand.wanted(now) <= 1.1 * 50 * LEAD + 1
    demand, now = ending(1000, 5)
    assert demand.wanted(now) == MOST


def test_it_is_over():
    """Once no more of them end, no more are wanted than before."""
    demand, now = ending(1000, 5)
    assert demand.wanted(now + 10) == 1


@given(st.integers(1, 16), st.lists(st.floats(0, 5), max_size=50), st.floats(0, 100))
def test_bounds(least, pauses, later):
    """Whatever happens, it is between the configured number and the highest."""
    demand, now = SpareDemand(least), 0.0
    for pause in pauses:
        now += pause
        demand.ended(now)
    assert least <= demand.wanted(now + later) <= MOST
