"""The queue of one route: nothing that is put into it is lost, and each piece comes out once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from zope.interface.verify import verifyObject

from pushgate.model.outcome import State, Verdict
from pushgate.plugin.upstream_interface import IWork
from pushgate.testing import RecordingQueue
from pushgate.upstreams.common.http_push.route_queue import LOW, RouteQueue
from tests.samples import span


class Made:
    """One on an app's queue that is recorded."""

    def __init__(self) -> None:
        self.work, self.now, self.changes, self.lows = RecordingQueue(), 0.0, 0, 0
        self.queue = RouteQueue(self.work, lambda: self.now, self.changed, self.low)

    def changed(self) -> None:
        self.changes += 1

    def low(self) -> None:
        self.lows += 1


@pytest.fixture
def made() -> Made:
    return Made()


def members(spans):
    """Batch and index of each notification."""
    return [(each.batch.order, index) for each in spans for index in range(each.start, each.stop)]


def test_it_is_work(made):
    """It is what an upstream expects."""
    verifyObject(IWork, made.queue)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 7))
def test_each_comes_once_and_in_order(sizes, limit):
    """Whatever the sizes and the room: the order is kept, and no take is larger than asked for."""
    made = Made()
    for order, size in enumerate(sizes):
        made.queue.put(span(size, order=order))
    found = []
    while made.queue.depth():
        taken = made.queue.take(limit, idle=False)
        assert 1 <= sum(map(len, taken)) <= limit
        found += members(taken)
    assert found == [(order, index) for order, size in enumerate(sizes) for index in range(size)]


def test_what_comes_back_goes_first(made):
    """In its old place, before what was not taken yet."""
    made.queue.put(span(2, order=1))
    made.queue.put(span(2, order=2))
    taken = made.queue.take(3, idle=False)
    made.queue.requeue(taken)
    assert members(made.queue.take(9, idle=False)) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert made.queue.depth() == 0
    assert made.work.requeued == []


def test_suspects_travel_alone(made):
    """One at a time, and only when nothing is in flight."""
    suspect = replace(span(2, order=1), alone=2)
    made.queue.put(span(1, order=2))
    made.queue.requeue([suspect])
    assert made.queue.has_suspects()
    assert members(made.queue.take(9, idle=False)) == [(2, 0)]
    assert members(made.queue.take(9, idle=True)) == [(1, 0)]
    assert members(made.queue.take(9, idle=True)) == [(1, 1)]
    assert (made.queue.depth(), made.queue.has_suspects()) == (0, False)


def test_it_says_when_little_is_left(made):
    """So that more is taken from the app's queue in time."""
    made.queue.put(span(LOW + 10))
    made.queue.take(5, idle=False)
    assert made.lows == 0
    made.queue.take(10, idle=False)
    assert made.lows == 1


def test_a_route_that_is_down(made):
    """What has waited too long is settled; the rest stays. A change is reported once."""
    made.now = 7.0
    made.queue.reachable(False)
    made.now = 9.0
    made.queue.reachable(False)
    assert (made.queue.down_since, made.changes) == (7.0, 1)
    made.work.in_flight = old, new = [span(1, order=1), span(1, order=2)]
    made.queue.put(old)
    made.queue.put(new)
    made.work.is_expired = lambda each: each.batch.order == 1
    made.queue.sweep()
    assert made.work.verdicts == [Verdict(old, State.EXPIRED, reason="ExpirationPassed")]
    assert members(made.queue.take(9, idle=False)) == [(2, 0)]
    made.queue.reachable(True)
    assert (made.queue.down_since, made.changes) == (None, 2)


def test_closed(made):
    """What waits, and what comes back later, goes to the app's queue."""
    made.work.in_flight = first, second = [span(1, order=1), span(1, order=2)]
    made.queue.put(first)
    made.queue.put(second)
    made.queue.take(1, idle=False)
    made.queue.close()
    made.queue.requeue([first])
    assert made.work.requeued == [second, first]
    assert made.queue.depth() == 0


def test_find(made):
    """A member that waits is found, one that is not here is not."""
    one = span(3, order=1)
    made.queue.put(one)
    assert made.queue.find(one.batch, 2) is one
    assert made.queue.find(one.batch, 3) is None
    assert made.queue.find(span(3, order=2).batch, 0) is None
