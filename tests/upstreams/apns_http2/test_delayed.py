"""What waits before it is sent again."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from pushgate.model.batch_slice import BatchSlice
from pushgate.upstreams.common.http_push.delayed import FULL, Delayed
from tests.samples import span, token


def made() -> tuple[Clock, Delayed, list[BatchSlice]]:
    """One on a clock, and what became due."""
    clock, due = Clock(), list[BatchSlice]()
    return clock, Delayed(clock, due.extend), due


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.5, 100)), min_size=1, max_size=20))
def test_nothing_is_lost(waits: list[tuple[int, float]]) -> None:
    """Each comes when it is due, the earliest first, and the size is what waits."""
    clock, delayed, due = made()
    for order, (count, seconds) in enumerate(waits):
        delayed.add(span(count, order=order), seconds)
    assert delayed.size == sum(count for count, _ in waits)
    for _ in range(202):
        clock.advance(0.5)
    by_time = sorted(range(len(waits)), key=lambda order: waits[order][1])
    assert [waits[each.batch.order][1] for each in due] == [waits[order][1] for order in by_time]
    assert delayed.size == 0
    assert clock.getDelayedCalls() == []


def test_a_device_that_waits() -> None:
    """What else is for it waits as long, and is taken out of the middle of what is to be written."""
    clock, delayed, due = made()
    delayed.add_device(span(tokens=[token(3)]), 10)
    free = delayed.sift([span(6, order=1), span(2, order=2)])
    assert [(each.batch.order, each.start, each.stop) for each in free] == [(1, 0, 3), (1, 4, 6), (2, 0, 2)]
    assert delayed.size == 2
    clock.advance(10)
    assert sorted((each.batch.order, each.start) for each in due) == [(0, 0), (1, 3)]
    assert delayed.sift([span(6, order=3)]) == [span(6, order=3)]


def test_devices_at_both_ends() -> None:
    """The first and the last of what is to be written may have to wait, and all of it."""
    _, delayed, _ = made()
    delayed.add_device(span(tokens=[token(0)]), 10)
    delayed.add_device(span(tokens=[token(3)]), 10)
    free = delayed.sift([span(4, order=1), span(1, order=2)])
    assert [(each.batch.order, each.start, each.stop) for each in free] == [(1, 1, 3)]
    assert delayed.size == 5


def test_it_can_be_found_and_emptied() -> None:
    """`Status` finds a member; a stop takes everything, and no timer stays."""
    clock, delayed, due = made()
    waiting = span(4, order=5)
    delayed.add(waiting.part(1, 3), 10)
    assert delayed.find(waiting.batch, 2) == waiting.part(1, 3)
    assert delayed.find(waiting.batch, 3) is None
    delayed.add_device(span(tokens=[token(9)]), 5)
    assert [len(each) for each in delayed.empty()] == [1, 2]
    assert clock.getDelayedCalls() == []
    assert delayed.sift([span(tokens=[token(9)], order=7)]) == [span(tokens=[token(9)], order=7)]
    assert due == []
    assert delayed.empty() == []


def test_too_many() -> None:
    """With so many nothing new should be written."""
    _, delayed, _ = made()
    assert not delayed.is_full
    for order in range(2):
        delayed.add(span(FULL // 2, order=order), 10)
    assert delayed.is_full
