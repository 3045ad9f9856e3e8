"""How many notifications a connection is written at once."""

from hypothesis import given
from hypothesis import strategies as st

from pushgate.upstreams.apns_binary.run_ahead import LEAST, RunAhead
from pushgate.upstreams.common.pooled_connection import RUN


def after(before, ends=100):
    """Runs after many connections that ended after so many notifications."""
    ahead = RunAhead()
    for _ in range(ends):
        ahead.refused(before)
    return ahead


def test_without_errors():
    """Runs are as long as they may be, whatever is written."""
    ahead = RunAhead()
    for _ in range(1000):
        ahead.written(RUN)
        assert ahead.size == RUN


def test_half_of_the_distance():
    """Where errors are frequent, half of what lies between two of them; no fewer than is worth it."""
    assert after(300).size == 150
    assert after(100).size == LEAST
    assert after(0).size == LEAST
    assert after(10**6).size == RUN


def test_one_error_changes_little():
    """A single one, and be it at once, does not cut runs short."""
    assert after(0, ends=1).size == RUN


def test_errors_become_rarer():
    """When they do not come any more, runs get longer again."""
    ahead = after(50)
    sizes = []
    for _ in range(200):
        ahead.written(ahead.size)
        sizes.append(ahead.size)
    assert sizes == sorted(sizes)
    assert sizes[-1] == RUN


@given(
    st.lists(
        st.one_of(
            st.integers(0, 10**7).map(lambda n: ("refused", n)),
            st.integers(1, 10**6).map(lambda n: ("written", n)),
        )
    )
)
def test_bounds(events):
    """Whatever happens, a run is between the shortest and the longest."""
    ahead = RunAhead()
    for name, count in events:
        getattr(ahead, name)(count)
        assert LEAST <= ahead.size <= RUN
