"""The queue of one app: order, priorities, suspects, and a depth that is never wrong."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from msgspec.structs import replace

from pushgate.gateway.queue.priority_queue import PriorityQueue
from pushgate.model.notification import Priority
from tests.samples import span

URGENT, BULK = Priority.URGENT, Priority.BULK


def take_all(lane, limit=1000):
    """Everything that may go in company, in the order in which it comes."""
    taken = []
    while (next_span := lane.take(limit)) is not None:
        taken.append(next_span)
    return taken


def members(spans):
    """The members of some spans: order of the batch, and index."""
    return [(each.batch.order, index) for each in spans for index in range(each.start, each.stop)]


def test_first_come_first_served():
    """Within a priority, what was accepted first goes first."""
    lane = PriorityQueue()
    spans = [span(2, order=order) for order in range(3)]
    for each in spans:
        lane.put(each)
    assert take_all(lane) == spans


def test_urgent_passes_bulk():
    """However much bulk waits, an urgent notification is next; bulk goes on where it was."""
    lane = PriorityQueue()
    bulk, urgent = span(4, order=0, priority=BULK), span(1, order=1)
    lane.put(bulk)
    assert lane.take(1) == bulk.part(0, 1)
    lane.put(urgent)
    assert take_all(lane) == [urgent, bulk.part(1, 4)]


def test_a_span_is_cut_to_the_limit():
    """No more than asked for is taken, and the rest stays in front."""
    lane = PriorityQueue()
    first, second = span(5, order=0), span(1, order=1)
    lane.put(first)
    lane.put(second)
    assert take_all(lane, limit=2) == [first.part(0, 2), first.part(2, 4), first.part(4, 5), second]


def test_the_oldest():
    """How long the queue keeps people waiting is reported by its oldest, of whichever priority; none, no age."""
    lane = PriorityQueue()
    assert lane.oldest is None
    for order, priority in enumerate((BULK, URGENT, URGENT)):
        each = span(order=order, priority=priority)
        lane.put(replace(each, batch=replace(each.batch, accepted_at=100.0 + order)))
    assert lane.oldest == 100
    lane.take(1)
    assert lane.oldest == 100
    lane.drop(lambda each: each.batch.order == 0)
    assert lane.oldest == 102


def test_an_empty_lane_has_nothing():
    """Nothing waits, nothing is taken or found."""
    lane = PriorityQueue()
    assert lane.take(1) is None
    assert lane.take_suspects() == []
    assert not lane.has_suspects
    assert (list(lane), lane.depth) == ([], 0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_given_back_goes_to_its_old_place(order):
    """Connections give back what they had, whoever is first: the old order is restored."""
    lane = PriorityQueue()
    first, second = span(6, order=0), span(2, order=1)
    lane.put(first)
    lane.put(second)
    parts = [lane.take(2) for _ in range(3)]
    for number in order:
        lane.requeue([parts[number]])
    assert members(take_all(lane)) == members([first, second])


def test_given_back_together_in_any_order():
    """What one connection gives back at once need not be sorted, nor be of one priority."""
    lane = PriorityQueue()
    spans = [span(2, order=order, priority=(URGENT, BULK)[order % 2]) for order in range(4)]
    lane.requeue([spans[2], spans[3], spans[0], spans[1]])
    assert take_all(lane) == [spans[0], spans[2], spans[1], spans[3]]


def test_suspects_wait_apart():
    """What must travel alone holds up nobody, and is not taken along with others."""
    lane = PriorityQueue()
    suspect, later = replace(span(2, order=0), alone=2), span(1, order=1)
    lane.put(later)
    lane.requeue([suspect])
    assert lane.has_suspects
    assert take_all(lane) == [later]
    assert lane.depth == 2
    assert lane.take_suspects() == [suspect]
    assert not lane.has_suspects


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=8))
def test_suspects_travel_in_bounded_company(spans):
    """Nobody among those taken together is in more company than it may be; all come, in order, in the end."""
    lane = PriorityQueue()
    suspects = [replace(span(count, order=order), alone=alone) for order, (count, alone) in enumerate(spans)]
    lane.requeue(suspects)
    taken = []
    while company := lane.take_suspects():
        assert sum(map(len, company)) <= min(each.alone for each in company)
        taken += company
    assert members(taken) == members(suspects)
    assert lane.depth == 0


@pytest.mark.parametrize("alone", [0, 3])
def test_find_and_withdraw_one_member(alone):
    """One waiting member can be taken out; its neighbours keep their places, a suspect's too."""
    lane = PriorityQueue()
    first, second = span(3, order=0), replace(span(5, order=1), alone=alone)
    for each in (first, second, replace(span(1, order=2), alone=alone)):
        lane.put(each)
    for index in (2, 0, 4, 1):
        found = lane.find(second.batch, index)
        assert found is not None
        assert lane.withdraw(found, index) == second.part(index, index + 1)
        assert lane.find(second.batch, index) is None
    left = [each for each in lane if each.batch is second.batch]
    assert left == [second.part(3, 4)]
    assert lane.depth == 3 + 1 + 1


@pytest.mark.parametrize("priority", [URGENT, BULK])
def test_what_does_not_wait_is_not_found(priority):
    """A member that was taken, a batch that was never put in, an index beyond the end."""
    lane = PriorityQueue()
    waiting, elsewhere = span(4, order=5, priority=priority), span(4, order=4, priority=priority)
    lane.put(waiting)
    lane.take(2)
    assert lane.find(waiting.batch, 1) is None
    assert lane.find(waiting.batch, 2) == waiting.part(2, 4)
    assert lane.find(waiting.batch, 4) is None
    assert lane.find(elsewhere.batch, 0) is None
    assert lane.find(span(4, order=6, priority=priority).batch, 0) is None


def test_drop_takes_out_what_is_unwanted():
    """The unwanted are taken out of every queue; what stays, stays in order."""
    lane = PriorityQueue()
    spans = [span(order + 1, order=order, priority=(URGENT, BULK)[order % 2]) for order in range(6)]
    spans[2] = replace(spans[2], alone=1)
    for each in spans:
        lane.put(each)
    dropped = lane.drop(lambda each: each.batch.order in {1, 2, 4})
    assert sorted(members(dropped)) == members([spans[1], spans[2], spans[4]])
    assert take_all(lane) == [spans[0], spans[3], spans[5]]
    assert lane.depth == 0


def test_drop_of_nothing_changes_nothing():
    """When nothing is unwanted, everything stays."""
    lane = PriorityQueue()
    lane.put(span(3))
    assert lane.drop(lambda _: False) == []
    assert lane.depth == 3


class LaneModel(RuleBasedStateMachine):
    """Any interleaving of putting, taking, giving back, withdrawing and dropping, against a set of members.

    Whatever happens, the depth is the number of members that wait, no member is in two places or lost, and
    what waits stands in the order of acceptance, urgent before bulk.
    """

    taken = Bundle("taken")

    def __init__(self):
        super().__init__()
        self.lane = PriorityQueue()
        self.waiting = set()
        self.order = 0

    @rule(count=st.integers(1, 6), priority=st.sampled_from(Priority))
    def put(self, count, priority):
        new = span(count, order=self.order, priority=priority)
        self.order += 1
        self.lane.put(new)
        self.waiting.update(members([new]))

    @rule(target=taken, limit=st.integers(1, 8))
    def take(self, limit):
        found = self.lane.take(limit)
        in_company = [each for each in self.lane if not each.alone]
        if found is None:
            assert in_company == []
            return multiple()
        assert 1 <= len(found) <= limit
        for each in in_company:
            assert rank(found) < rank(each)
        self.waiting.difference_update(members([found]))
        return found

    @rule(target=taken)
    def take_suspects(self):
        found = self.lane.take_suspects()
        self.waiting.difference_update(members(found))
        return multiple(*found)

    @rule(spans=st.lists(consumes(taken), max_size=4), alone=st.integers(0, 3))
    def requeue(self, spans, alone):
        given_back = [replace(each, alone=alone) for each in spans]
        self.lane.requeue(given_back)
        self.waiting.update(members(given_back))

    @rule(data=st.data())
    def withdraw(self, data):
        if not self.waiting:
            return
        order, index = data.draw(st.sampled_from(sorted(self.waiting)))
        (holder,) = (each for each in self.lane if (order, index) in members([each]))
        assert self.lane.find(holder.batch, index) is holder
        assert members([self.lane.withdraw(holder, index)]) == [(order, index)]
        self.waiting.discard((order, index))

    @rule(parity=st.integers(0, 1))
    def drop(self, parity):
        dropped = self.lane.drop(lambda each: each.batch.order % 4 == parity)
        self.waiting.difference_update(members(dropped))
        assert all(order % 4 != parity for order, _ in self.waiting)

    @invariant()
    def nothing_is_lost_or_doubled(self):
        assert sorted(members(self.lane)) == sorted(self.waiting)

    @invariant()
    def depth_is_what_waits(self):
        assert self.lane.depth == len(self.waiting)

    @invariant()
    def everything_stands_in_order(self):
        in_company = [each for each in self.lane if not each.alone]
        assert in_company == sorted(in_company, key=rank)
        suspects = [each for each in self.lane if each.alone]
        assert suspects == sorted(suspects, key=lambda each: each.place)
        assert self.lane.has_suspects == bool(suspects)


def rank(each):
    """Where a span stands among those that may travel in company."""
    return -each.batch.priority, each.place


LaneModel.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestLaneModel = LaneModel.TestCase


def uncleared(count, **of):
    """A span that must be cleared before it goes."""
    return replace(span(count, **of), cleared=False)


def test_what_is_not_cleared_stays():
    """A span that is not cleared is not taken; bulk that is ready need not wait for it."""
    lane = PriorityQueue()
    urgent, bulk = uncleared(2, order=0), span(1, order=1, priority=BULK)
    lane.put(urgent)
    lane.put(bulk)
    assert take_all(lane) == [bulk]
    lane.clear(urgent)
    assert take_all(lane) == [replace(urgent, cleared=True)]


def test_what_to_clear_next():
    """Of each priority it is what goes first, so many notifications and no more."""
    lane = PriorityQueue()
    spans = [span(2, order=0), uncleared(3, order=1), uncleared(3, order=2), uncleared(9, order=3)]
    for each in (*spans, uncleared(7, order=4, priority=BULK)):
        lane.put(each)
    assert members(lane.uncleared(6)) == [
        *((1, index) for index in range(3)),
        (2, 0),
        *((4, index) for index in range(6)),
    ]


def test_what_was_withdrawn_meanwhile_is_not_cleared():
    """Clearing touches what still waits of a span, whatever was cut out, and nothing beside it."""
    lane = PriorityQueue()
    whole, other = uncleared(6, order=1), uncleared(1, order=2)
    lane.put(whole)
    lane.put(other)
    lane.withdraw(whole, 1)
    lane.clear(whole.part(0, 4))
    taken = take_all(lane)
    assert members(taken) == [(1, 0), (1, 2), (1, 3)]
    assert members(lane) == [(1, 4), (1, 5), (2, 0)]
    lane.clear(whole)
    assert members(take_all(lane)) == [(1, 4), (1, 5)]
    lane.clear(whole)
    assert members(lane) == [(2, 0)]
