"""High and low water of a queue."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.gateway.queue.watermarks import Watermarks


@pytest.mark.parametrize(("limit", "low", "high"), [(1, 0, 1), (2, 1, 2), (10, 8, 9), (1000, 800, 900)])
def test_the_marks(limit, low, high):
    """Nine tenths of the limit and four fifths, apart even where the limit is tiny."""
    pressure = Watermarks(limit)
    assert (pressure.low, pressure.high) == (low, high)


def test_between_the_marks_the_last_one_counts():
    """On its way up there is no pressure before nine tenths; on its way down there is, until four fifths."""
    pressure = Watermarks(100)
    assert [pressure.rises(depth) for depth in (0, 81, 89, 90, 85, 81)] == [False] * 3 + [True] * 3
    pressure.relieve(lambda: 81)
    assert pressure.on
    pressure.relieve(lambda: 80)
    assert not pressure.rises(85)


def test_another_limit():
    """The marks move with the limit; who waits goes on when there is room by the new one."""
    pressure, went = Watermarks(100), []
    pressure.rises(90)
    pressure.wait(lambda: went.append(1))
    pressure.limit(1000)
    assert (pressure.low, pressure.high) == (800, 900)
    pressure.relieve(lambda: 90)
    assert (went, pressure.on) == ([1], False)


def test_whoever_found_no_room():
    """A refusal counts as full above low water, where waiting helps; below, the batch is simply too large."""
    pressure = Watermarks(100)
    pressure.refused(80)
    assert not pressure.rises(80)
    pressure.refused(81)
    assert pressure.rises(81)


def test_one_after_the_other():
    """Who waits longest goes on first, and the next only when that has not filled the queue again."""
    pressure, went, depth = Watermarks(100), [], [80]
    pressure.rises(90)
    leave = [pressure.wait(lambda number=number: (went.append(number), depth.append(75 + 3 * number)))
             for number in range(4)]  # fmt: skip
    leave[0]()
    leave[0]()
    pressure.relieve(lambda: depth[-1])
    assert (went, len(pressure), pressure.on) == ([1, 2], 1, True)
    pressure.relieve(lambda: 80)
    assert (went, len(pressure), pressure.on) == ([1, 2, 3], 0, False)


@given(st.integers(1, 50), st.lists(st.integers(0, 60), max_size=30))
def test_nobody_is_forgotten(limit, depths):
    """Whatever the queue does, once it is empty nobody waits; and nobody goes on above low water."""
    pressure, waiting, queue = Watermarks(limit), set(), [0]

    def relieved(number):
        waiting.remove(number)
        assert queue[-1] <= pressure.low

    for depth in depths:
        queue.append(depth)
        if pressure.rises(depth):
            waiting.add(len(queue))
            pressure.wait(partial(relieved, len(queue)))
        pressure.relieve(lambda: queue[-1])
        assert len(pressure) == len(waiting)
        assert pressure.on or not waiting
    queue.append(0)
    pressure.relieve(lambda: queue[-1])
    assert (waiting, pressure.on) == (set(), False)
