"""Batches with a rate of their own: they keep to it, in order, and nobody waits behind them."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from msgspec.structs import replace

from pushgate.gateway.queue.priority_queue import PriorityQueue
from pushgate.gateway.queue.rate_groups import REMEMBERED, TICK, RateGroups
from pushgate.model.notification import Priority
from tests.samples import span

URGENT, BULK = Priority.URGENT, Priority.BULK


def taken(lane, now, limit=1000):
    """All that may go now."""
    found = []
    while (each := lane.take(limit, now)) is not None:
        found.append(each)
    return found


def members(spans):
    """The members of some spans: order of the batch, and index."""
    return [(each.batch.order, index) for each in spans for index in range(each.start, each.stop)]


def lane_of(*spans, now=0.0):
    """A lane into which these were put."""
    lane = PriorityQueue()
    for each in spans:
        lane.put(each, now)
    return lane


def test_a_batch_keeps_to_its_rate_and_order():
    """A hundred a second: ten at once, then one each hundredth of a second, from the first to the last."""
    lane = lane_of(span(50, rate=100))
    assert members(taken(lane, 0.0)) == [(0, index) for index in range(10)]
    assert lane.paced.wait(0.0) == pytest.approx(TICK)
    assert (taken(lane, 0.005), lane.depth, lane.paced.depth) == ([], 40, 40)
    assert members(taken(lane, 0.03)) == [(0, 10), (0, 11), (0, 12)]


def test_others_pass_it():
    """What was accepted later goes while a batch waits for its rate; when its turn comes it goes first."""
    slow, later = span(30, order=1, rate=10), span(2, order=2)
    lane = lane_of(slow, later)
    assert taken(lane, 0.0) == [slow.part(0, 1), later]
    lane.put(replace(later, batch=replace(later.batch, order=3)))
    assert members(taken(lane, 0.1)) == [(1, 1), (3, 0), (3, 1)]


def test_what_was_accepted_before_goes_before():
    """A batch that may send does not pass what waits without a rate."""
    early, paced = span(2, order=1), span(2, order=2, rate=1000)
    assert taken(lane_of(paced, early), 0.0) == [early, paced]


def test_urgent_is_not_delayed_by_bulk():
    """Whatever bulk may send, urgent goes first, paced or not."""
    bulk, paced = span(2, order=1, priority=BULK, rate=1000), span(2, order=2, rate=1000)
    urgent, plain = span(1, order=3), span(1, order=0, priority=BULK)
    assert taken(lane_of(plain, bulk, paced, urgent), 0.0) == [paced, urgent, plain, bulk]


def test_batches_of_one_pace_share_it():
    """They go one after the other at the one rate; another priority or name has its own."""
    same = [span(3, order=order, rate=10, pace="sale") for order in range(2)]
    others = span(1, order=2, rate=10, pace="other"), span(1, order=3, rate=10, pace="sale", priority=BULK)
    lane = lane_of(*same, *others)
    assert members(taken(lane, 0.0)) == [(0, 0), (2, 0), (3, 0)]
    assert [members(taken(lane, 0.1 * tick)) for tick in range(1, 7)] == [
        [(0, 1)], [(0, 2)], [(1, 0)], [(1, 1)], [(1, 2)], []
    ]  # fmt: skip
    lane.put(span(1, order=9, rate=10, pace="sale"), 0.5)
    assert taken(lane, 0.5) == [], "what the pace had used up is remembered"
    assert members(taken(lane, 0.61)) == [(9, 0)]


def test_the_last_rate_of_a_pace_counts():
    """A batch that comes with another rate changes it for all; one with the same does not undo a live change."""
    lane = lane_of(span(50, order=0, rate=10, pace="sale"))
    assert len(members(taken(lane, 0.0))) == 1
    lane.put(span(50, order=1, rate=100, pace="sale"), 0.0)
    assert len(members(taken(lane, 0.1))) == 10
    lane.pace(span(1, rate=100, pace="sale").batch, 20, 0.1)
    lane.put(span(50, order=2, rate=100, pace="sale"), 0.1)
    taken(lane, 0.1)
    assert len(members(taken(lane, 0.2))) == 2


def test_a_rate_is_changed_or_taken_away():
    """From now on, faster, slower, or as fast as it will go; in its place all the same."""
    slow = span(50, order=1, rate=1)
    lane = lane_of(slow, span(1, order=0))
    assert len(members(taken(lane, 0.0))) == 2
    lane.pace(slow.batch, 100, 0.0)
    lane.pace(slow.batch, 50, 0.0)
    assert len(members(taken(lane, 0.1))) == 5
    lane.pace(slow.batch, 0, 0.1)
    assert members(taken(lane, 0.1)) == [(1, index) for index in range(6, 50)]
    assert lane.depth == 0


def test_a_batch_gets_a_rate_while_it_waits():
    """What was submitted without one is held back from then on, and the others are not."""
    first, second = span(20, order=1), span(2, order=2)
    lane = lane_of(first, second)
    lane.take(5)
    lane.pace(first.batch, 10, 1.0)
    assert members(taken(lane, 1.0)) == [(1, 5), (2, 0), (2, 1)]
    assert lane.find(first.batch, 6) == first.part(6, 20)
    assert members(taken(lane, 1.1)) == [(1, 6)]


def test_a_rate_for_what_is_yet_to_come():
    """A batch that is not in memory yet has the rate when it comes; so many are remembered and no more."""
    lane = lane_of()
    for order in range(REMEMBERED + 1):
        lane.pace(span(1, order=order).batch, 10, 0.0)
    lane.put(span(5, order=REMEMBERED), 0.0)
    assert len(members(taken(lane, 0.0))) == 1
    lane.put(span(5, order=0), 0.0)
    assert len(members(taken(lane, 0.0))) == 5


def test_what_comes_back_goes_at_once():
    """What was taken and is sent again has waited for its rate already; it goes before the rest of its batch."""
    lane = lane_of(span(30, rate=100))
    first = taken(lane, 0.0)
    lane.requeue(first)
    assert lane.find(first[0].batch, 3) is first[0]
    assert lane.withdraw(first[0], 3) == first[0].part(3, 4)
    assert members(taken(lane, 0.0)) == [(0, index) for index in range(10) if index != 3]
    assert (lane.depth, lane.paced.depth) == (20, 20)


def test_withdrawn_and_dropped():
    """What waits for its rate can be cancelled and can expire like all that waits."""
    one, other = span(2, order=1, rate=1), span(30, order=2, rate=1)
    lane = lane_of(one, other)
    assert lane.withdraw(lane.find(other.batch, 7), 7) == other.part(7, 8)
    assert [lane.withdraw(lane.find(one.batch, index), index) for index in range(2)]
    assert (lane.depth, lane.paced.depth) == (29, 29)
    assert members(lane.drop(lambda each: each.start == 0)) == [(2, index) for index in range(7)]
    assert members(lane) == [(2, index) for index in range(8, 30)]
    assert len(lane.drop(lambda _: True)) == 1
    assert (lane.depth, lane.paced.depth, lane.has_ready, lane.paced.wait(0.0)) == (0, 0, False, None)


def test_only_the_next_second_is_cleared():
    """Under at-most-once no more is put on record than goes soon, since all of that is in doubt after a crash."""
    waits = replace(span(500, order=1, rate=3), cleared=False)
    lane = lane_of(waits, replace(span(500, order=2, rate=0.1), cleared=False))
    assert [len(each) for each in lane.uncleared(100)] == [3, 1]
    assert taken(lane, 0.0) == []
    lane.clear(waits.part(0, 3))
    assert members(taken(lane, 0.0)) == [(1, 0)]
    lane.pace(waits.batch, 0, 0.0)
    assert sum(map(len, lane.uncleared(100))) == 98 + 1


def test_a_take_that_came_too_early():
    """A clock that stands still, or a limit that ends a take: nothing is lost, and the next one goes on."""
    paced, slow = RateGroups(), span(5, rate=10)
    paced.put(slow, 0.0)
    group = paced.head(URGENT, 0.0)
    group.pace.spend(1)
    assert paced.take(group, 10, 0.0) is None
    assert (paced.head(URGENT, 0.0), paced.wait(0.0)) == (None, pytest.approx(0.1))
    fast = lane_of(span(100, rate=1000))
    assert len(fast.take(30, 0.0)) == 30
    assert fast.has_ready
    assert len(members(taken(fast, 0.0))) == 70


def test_an_early_take_goes_on_to_the_next():
    """A batch that may not send after all does not keep the next one waiting."""
    lane = lane_of(span(5, order=1, rate=10), span(1, order=2, rate=10))
    lane.paced.head(URGENT, 0.0).pace.spend(1)
    assert members(taken(lane, 0.0)) == [(2, 0)]


def test_many_changes_leave_nothing_behind():
    """Each change makes an old waking time void; they do not pile up."""
    lane, slow = PriorityQueue(), span(5, rate=1)
    lane.put(slow)
    for number in range(5000):
        lane.pace(slow.batch, 1 + number % 7, number * 1e-6)
    assert len(lane.paced._asleep) < 200
    taken(lane, 1.0)
    lane.pace(slow.batch, 5, 1.0)
    taken(lane, 1.0)
    assert lane.paced.wait(1.0) > 0


@given(st.lists(st.tuples(st.sampled_from([0, 3, 40, 700]), st.integers(1, 60)), min_size=1, max_size=5),
       st.lists(st.floats(0, 0.5), min_size=1, max_size=30))  # fmt: skip
def test_each_keeps_to_its_own_rate(batches, turns):
    """However often one asks, none gets more than its rate and one burst, and none stands still for another."""
    spans = [span(count, order=order, rate=rate) for order, (rate, count) in enumerate(batches)]
    lane, now, gone = lane_of(*spans), 0.0, dict.fromkeys(range(len(spans)), 0)
    for pause in (0.0, *turns):
        now += pause
        for order, index in members(taken(lane, now, limit=7)):
            assert index == gone[order]
            gone[order] += 1
        for order, (rate, count) in enumerate(batches):
            most = now * rate + max(1, rate * 0.1) + 0.01
            assert gone[order] <= (min(count, most) if rate else count)
            assert gone[order] >= (1 if rate else count)
    assert lane.depth == sum(count for _, count in batches) - sum(gone.values())


class PacedModel(RuleBasedStateMachine):
    """Any interleaving of what may happen to a lane, with rates, against a set of members.

    The depths are right, nothing is lost or doubled, and each queue stands in the order of acceptance.
    """

    taken = Bundle("taken")

    def __init__(self):
        super().__init__()
        self.lane, self.waiting, self.order, self.now = PriorityQueue(), set(), 0, 0.0
        self.batches = []

    @rule(count=st.integers(1, 9), priority=st.sampled_from(Priority), rate=st.sampled_from([0, 0, 2, 50]),
          name=st.sampled_from([None, "a", "b"]))  # fmt: skip
    def put(self, count, priority, rate, name):
        new = span(count, order=self.order, priority=priority, rate=rate, pace=name if rate else None)
        self.order += 1
        self.batches.append(new.batch)
        self.lane.put(new, self.now)
        self.waiting.update(members([new]))

    @rule(seconds=st.sampled_from([0.0, 0.001, 0.05, 1.0]))
    def passes(self, seconds):
        self.now += seconds

    @rule(target=taken, limit=st.integers(1, 8))
    def take(self, limit):
        found = self.lane.take(limit, self.now)
        if found is None:
            assert all(each.alone or self.is_paced(each) for each in self.lane)
            return multiple()
        assert 1 <= len(found) <= limit
        urgent = [each for each in self.lane if not each.alone and not self.is_paced(each)
                  and each.batch.priority is URGENT]  # fmt: skip
        assert not urgent or found.batch.priority is URGENT
        self.waiting.difference_update(members([found]))
        return found

    def is_paced(self, each):
        """Whether a span waits for a rate."""
        queue = self.lane.paced.queue(each.batch)
        return queue is not None and each in queue

    @rule(spans=st.lists(consumes(taken), max_size=3), alone=st.sampled_from([0, 0, 2]))
    def requeue(self, spans, alone):
        given_back = [replace(each, alone=alone) for each in spans]
        self.lane.requeue(given_back)
        self.waiting.update(members(given_back))

    @rule(data=st.data(), rate=st.sampled_from([0, 1, 100]))
    def change(self, data, rate):
        if self.batches:
            self.lane.pace(data.draw(st.sampled_from(self.batches)), rate, self.now)

    @rule(data=st.data())
    def withdraw(self, data):
        if self.waiting:
            order, index = data.draw(st.sampled_from(sorted(self.waiting)))
            found = self.lane.find(self.batches[order], index)
            assert members([self.lane.withdraw(found, index)]) == [(order, index)]
            self.waiting.discard((order, index))

    @rule(parity=st.integers(0, 1))
    def drop(self, parity):
        self.waiting.difference_update(members(self.lane.drop(lambda each: each.batch.order % 4 == parity)))

    @invariant()
    def the_books_are_right(self):
        assert sorted(members(self.lane)) == sorted(self.waiting)
        assert self.lane.depth == len(self.waiting)
        assert self.lane.paced.depth == sum(len(each) for queue in self.lane.paced for each in queue)
        for queue in (*self.lane._by_priority.values(), *self.lane.paced):
            places = [each.place for each in queue]
            assert places == sorted(places)
        assert all(self.lane.paced)

    @invariant()
    def none_sleeps_for_ever(self):
        asleep = self.lane.paced.depth and not self.lane.paced.has_due
        assert not asleep or self.lane.paced.wait(self.now) is not None


PacedModel.TestCase.settings = settings(max_examples=30, deadline=None)
TestPacedModel = PacedModel.TestCase


def test_queues_are_not_shared():
    """A batch that does not wait for a rate has no queue there."""
    assert RateGroups().queue(span().batch) is None
    assert isinstance(lane_of(span(rate=1)).paced.queue(span(rate=1).batch), deque)
