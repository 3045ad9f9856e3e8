"""Acknowledgements in few words."""

from hypothesis import given
from hypothesis import strategies as st

from pushgate.inputs.amqp.ack_tracker import AckTracker


def said(outstanding: AckTracker, log: list[tuple[int, bool]]) -> list[tuple[int, bool]]:
    log.clear()
    outstanding.flush()
    return list(log)


def some(count: int) -> tuple[AckTracker, list[tuple[int, bool]]]:
    log: list[tuple[int, bool]] = []
    outstanding = AckTracker(lambda tag, all_before: log.append((tag, all_before)))
    for tag in range(1, count + 1):
        outstanding.delivered(tag)
    return outstanding, log


def test_all_before() -> None:
    """What is done from the first on is said in one word; what comes later one by one."""
    outstanding, log = some(6)
    assert [outstanding.done(tag) for tag in (2, 1, 3, 5)] == [True, False, False, False]
    assert said(outstanding, log) == [(3, True), (5, False)]
    assert said(outstanding, log) == []
    assert outstanding.done(4)
    outstanding.done(6)
    assert said(outstanding, log) == [(6, True)]
    assert len(outstanding) == 0


def test_rejected() -> None:
    """What was rejected blocks no acknowledgement, and is not acknowledged itself."""
    outstanding, log = some(3)
    outstanding.rejected(1)
    outstanding.done(2)
    outstanding.rejected(2)
    outstanding.done(3)
    assert said(outstanding, log) == [(3, True)]


@given(st.lists(st.lists(st.integers(1, 20), max_size=10), max_size=8))
def test_exactly_what_is_done(turns: list[list[int]]) -> None:
    """Whatever the order, each delivery is acknowledged once, and none that is not done."""
    outstanding, log = some(20)
    done: set[int] = set()
    acknowledged: set[int] = set()
    for turn in turns:
        for tag in turn:
            outstanding.done(tag)
            done.add(tag)
        for tag, all_before in said(outstanding, log):
            new = {each for each in range(1, tag + 1) if each not in acknowledged} if all_before else {tag}
            assert not new & acknowledged
            acknowledged |= new
        assert acknowledged == done
