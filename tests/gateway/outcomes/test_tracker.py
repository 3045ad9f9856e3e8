"""The books: one terminal outcome for every accepted notification, and what is remembered of it."""

import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.model.batch_slice import BatchSlice, without
from pushgate.model.errors import NotFound
from pushgate.model.notification import batch_id
from pushgate.model.outcome import Outcome, State
from pushgate.model.packed import Packed
from tests.samples import ID, batch

TERMINAL = [
    State.ACCEPTED, State.PRESUMED, State.REJECTED, State.SUPPRESSED, State.EXPIRED, State.UNKNOWN,
    State.CANCELLED, State.FAILED,
]  # fmt: skip


def outcome(of, start, stop, state=State.ACCEPTED, *, corrects=False):
    """An outcome for members `start` to `stop` of a batch."""
    return Outcome(BatchSlice(of, start, stop, attempts=1, recalled=corrects), state, None, "", 0.0, "test")


def states(ledger, of):
    """The state of each member, None while it has none, "refused" for one that was refused."""
    found = []
    for index in range(len(of)):
        try:
            entry, member = ledger.find(of.id + index)
        except NotFound:
            found.append("refused")
        else:
            settled = entry.outcome(member)
            found.append(settled and settled.state)
    return found


@st.composite
def settlements(draw):
    """A batch, perhaps with refused members, and outcomes that settle each other one once, in any order."""
    count = draw(st.integers(1, 40))
    refused = draw(st.sets(st.integers(0, count - 1), max_size=count - 1))
    of = batch(count, refused=tuple(sorted(refused)))
    outcomes = []
    for start, stop in without(count, of.refused):
        bounds = sorted({start, stop, *draw(st.lists(st.integers(start, stop), max_size=4))})
        for low, high in pairwise(bounds):
            outcomes.append(outcome(of, low, high, draw(st.sampled_from(TERMINAL))))
    return of, draw(st.permutations(outcomes))


@given(settlements())
def test_counts_are_right_whatever_the_order(case):
    """However a batch is split: what remains is counted exactly, and it is complete once, at the end."""
    of, outcomes = case
    ledger = OutcomeTracker()
    ledger.open(of)
    left = len(of) - len(of.refused)
    expected = ["refused" if index in of.refused else None for index in range(len(of))]
    for each in outcomes:
        assert ledger.unsettled == left
        left -= len(each.span)
        expected[each.span.start : each.span.stop] = [each.state] * len(each.span)
        assert ledger.settle(each) is (left == 0)
        assert ledger.find(each.span.batch.id + each.span.start)[0].remaining == left
        assert states(ledger, of) == expected
    assert ledger.unsettled == 0


@given(settlements(), st.data())
def test_a_second_outcome_is_an_error(case, data):
    """A member that has its outcome gets no other, neither while its batch is under way nor afterwards."""
    of, outcomes = case
    settled = data.draw(st.integers(1, len(outcomes)))
    ledger = OutcomeTracker()
    ledger.open(of)
    for each in outcomes[:settled]:
        ledger.settle(each)
    before, unsettled = states(ledger, of), ledger.unsettled
    again = data.draw(st.sampled_from(outcomes[:settled])).span
    index = data.draw(st.integers(again.start, again.stop - 1))
    for start, stop in ((index, index + 1), (again.start, again.stop)):
        with pytest.raises(ValueError, match="settled twice"):
            ledger.settle(outcome(of, start, stop, State.REJECTED))
    assert (states(ledger, of), ledger.unsettled) == (before, unsettled)


@given(st.integers(1, 30), st.data())
def test_a_correction_replaces_what_was_presumed(count, data):
    """A late error corrects exactly the members it is about, once; the others stay, and the counts."""
    of, other = batch(count), batch(1, order=1)
    ledger = OutcomeTracker()
    ledger.open(of)
    ledger.open(other)
    settled = data.draw(st.integers(1, count))
    ledger.settle(outcome(of, 0, settled, State.PRESUMED))
    expected = [State.PRESUMED] * settled + [None] * (count - settled)
    bounds = sorted(
        data.draw(st.sets(st.integers(0, settled), min_size=2, max_size=6) | st.just({0, settled}))
    )
    for start, stop in data.draw(st.permutations(list(pairwise(bounds)))):
        state = data.draw(st.sampled_from([State.ACCEPTED, State.REJECTED, State.EXPIRED]))
        assert ledger.settle(outcome(of, start, stop, state, corrects=True)) is False
        expected[start:stop] = [state] * (stop - start)
        assert states(ledger, of) == expected
        assert ledger.unsettled == count - settled + 1
        with pytest.raises(ValueError, match="settled twice"):
            ledger.settle(outcome(of, start, stop, corrects=True))
    kept = [each.span for each in ledger.find(of.id)[0].outcomes]
    assert [index for each in kept for index in range(each.start, each.stop)] == list(range(settled))
    assert all(map(len, kept)), "corrections leave no empty ranges behind"


def test_a_correction_may_span_what_was_presumed_apart():
    """What was presumed in two steps can be corrected in one, and presumed again, and corrected again."""
    of = batch(10)
    ledger = OutcomeTracker()
    ledger.open(of)
    ledger.settle(outcome(of, 0, 4, State.PRESUMED))
    ledger.settle(outcome(of, 4, 10, State.PRESUMED))
    for state in (State.PRESUMED, State.REJECTED):
        ledger.settle(outcome(of, 2, 8, state, corrects=True))
        assert states(ledger, of) == [State.PRESUMED] * 2 + [state] * 6 + [State.PRESUMED] * 2


def test_a_correction_may_settle_its_neighbours_too():
    """A recalled span that covers members without an outcome completes the batch with them."""
    of = batch(4)
    ledger = OutcomeTracker()
    ledger.open(of)
    ledger.settle(outcome(of, 0, 2, State.PRESUMED))
    assert ledger.settle(outcome(of, 1, 4, State.ACCEPTED, corrects=True)) is True
    assert states(ledger, of) == [State.PRESUMED, *[State.ACCEPTED] * 3]


@pytest.mark.parametrize("number", [0, -1, ID + 3, ID + 0xFFFF, ID + (1 << 16), ID - 1, 1 << 128])
def test_unknown_ids_are_not_found(number):
    """An id of nobody, of a batch never seen, and one beyond a batch's last member."""
    ledger = OutcomeTracker()
    ledger.open(batch(3))
    assert ledger.find(ID + 2)[1] == 2
    with pytest.raises(NotFound):
        ledger.find(number)


def test_refused_members_are_not_found():
    """What was refused at the input was never accepted, so there is nothing to tell."""
    of = batch(3, refused=(1,))
    ledger = OutcomeTracker()
    ledger.open(of)
    with pytest.raises(NotFound):
        ledger.find(of.id + 1)
    assert ledger.find(of.id + 2)[1] == 2
    assert ledger.settle(outcome(of, 0, 1)) is False
    assert ledger.settle(outcome(of, 2, 3)) is True


def test_finished_batches_are_remembered_up_to_a_bound():
    """The newest finished batches stay, as many notifications as asked for; the oldest are forgotten."""
    ledger = OutcomeTracker(kept=10)
    batches = [batch(4, order=order) for order in range(4)]
    for of in batches:
        ledger.open(of)
    for of in batches[:3]:
        ledger.settle(outcome(of, 0, 4))
    with pytest.raises(NotFound):
        ledger.find(batches[0].id)
    assert states(ledger, batches[1]) == states(ledger, batches[2]) == [State.ACCEPTED] * 4
    assert states(ledger, batches[3]) == [None] * 4, "what is under way is never forgotten"


def test_a_batch_larger_than_the_bound_pushes_out_all_and_itself():
    """The bound holds for a single large batch as well, and there is room again after it."""
    ledger = OutcomeTracker(kept=10)
    small, large, next_small = batch(3), batch(11, order=1), batch(10, order=2)
    for of in (small, large, next_small):
        ledger.open(of)
        assert ledger.settle(outcome(of, 0, len(of))) is True
    for of in (small, large):
        with pytest.raises(NotFound):
            ledger.find(of.id)
    assert states(ledger, next_small) == [State.ACCEPTED] * 10


class Payloads(Packed):
    """Payloads whose end can be watched."""


def test_finished_batches_are_remembered_without_their_payloads():
    """What is kept for questions costs no payload, and a late correction does not bring one back."""
    payload = Payloads.of([b"{}", b"{}"], 2)
    watched = weakref.ref(payload)
    of = batch(2, payload=payload)
    ledger = OutcomeTracker()
    ledger.open(of)
    ledger.settle(outcome(of, 0, 1, State.PRESUMED))
    ledger.settle(outcome(of, 1, 2, State.PRESUMED))
    ledger.settle(outcome(of, 0, 1, State.REJECTED, corrects=True))
    number = of.id
    del of, payload
    gc.collect()
    assert watched() is None
    entry, index = ledger.find(number)
    settled = entry.outcome(index)
    assert settled is not None
    assert settled.span.tokens() == [bytes(32)]
    assert (settled.state, settled.span.attempts, settled.upstream) == (State.REJECTED, 1, "test")


def test_a_late_correction_of_a_forgotten_batch_is_no_error():
    """It cannot be entered any more, which is nobody's fault; an outcome that corrects nothing is a bug."""
    of = batch(1)
    ledger = OutcomeTracker(kept=0)
    ledger.open(of)
    ledger.settle(outcome(of, 0, 1, State.PRESUMED))
    assert ledger.settle(outcome(of, 0, 1, State.REJECTED, corrects=True)) is False
    with pytest.raises(ValueError, match="not under way"):
        ledger.settle(outcome(of, 0, 1))


def test_two_batches_of_one_millisecond_are_two():
    """Batches are distinguished by their whole id, not by its time."""
    first, second = (
        replace(batch(1), id=batch_id(1_700_000_000.0, entropy), tokens=Packed.of([b"%d" % entropy], 1))
        for entropy in (1, 2)
    )
    ledger = OutcomeTracker()
    ledger.open(first)
    ledger.open(second)
    ledger.settle(outcome(first, 0, 1))
    assert states(ledger, second) == [None]
    assert ledger.find(second.id)[0].batch is second


def test_what_was_settled_in_an_earlier_life_is_not_known():
    """Of a batch that comes back after a restart only the members that were left are there to ask for."""
    of = batch(4, refused=(0,))
    ledger = OutcomeTracker()
    ledger.open(of, [(1, 2), (3, 4)])
    assert ledger.unsettled == 2
    assert [ledger.has(of.id + index) for index in range(5)] == [False, True, False, True, False]
    assert not ledger.settle(outcome(of, 1, 2))
    assert ledger.settle(outcome(of, 3, 4))


def test_a_batch_is_found_by_its_id_whatever_became_of_its_members():
    """A batch's id is its first member's, which may have been refused; an id beyond the last is nobody's."""
    ledger, of = OutcomeTracker(), batch(3, refused=(0,))
    ledger.open(of)
    assert [ledger.batch(of.id + index) for index in range(3)] == [of] * 3
    for unknown in (of.id + 3, of.id + (1 << 16)):
        with pytest.raises(NotFound):
            ledger.batch(unknown)
    ledger.settle(outcome(of, 1, 3))
    assert ledger.batch(of.id).id == of.id


def test_proof_corrects_what_was_presumed():
    """A presumed one that is proven later is accepted, once the batch is done as well; nothing else may be corrected."""
    ledger, of = OutcomeTracker(), batch(2)
    ledger.open(of)
    ledger.settle(outcome(of, 0, 1, State.PRESUMED))
    ledger.settle(outcome(of, 0, 1, State.ACCEPTED, corrects=True))
    ledger.settle(outcome(of, 1, 2, State.PRESUMED))
    ledger.settle(outcome(of, 1, 2, State.ACCEPTED, corrects=True))
    assert states(ledger, of) == [State.ACCEPTED] * 2
    with pytest.raises(ValueError, match="settled twice"):
        ledger.settle(outcome(of, 0, 1, State.ACCEPTED, corrects=True))


def test_an_app_that_is_gone():
    """What was under way of it is not known any more; other apps, and what was done before, stay."""
    gone, done = batch(2, order=1), batch(1, order=2)
    other = replace(batch(1, order=3), app="chat")
    ledger = OutcomeTracker()
    for each in (gone, done, other):
        ledger.open(each)
    ledger.settle(outcome(gone, 0, 1))
    ledger.settle(outcome(done, 0, 1))
    ledger.forget("news")
    assert [ledger.has(each.id) for each in (gone, done, other)] == [False, True, True]
    assert ledger.unsettled == 1


def test_what_was_told_before_a_correction_is_known():
    """Every outcome that a notification had can be reported, the valid one last; others have theirs only."""
    of = batch(4)
    ledger = OutcomeTracker()
    ledger.open(of)
    ledger.settle(outcome(of, 0, 4, State.PRESUMED))
    ledger.settle(outcome(of, 1, 3, State.REJECTED, corrects=True))
    entry, _ = ledger.find(of.id)
    assert [[each.state for each in entry.reported(index)] for index in range(4)] == [
        [State.PRESUMED],
        [State.PRESUMED, State.REJECTED],
        [State.PRESUMED, State.REJECTED],
        [State.PRESUMED],
    ]


def test_before_an_outcome_nothing_was_told():
    """While a notification is on its way there is nothing to tell."""
    of = batch(1)
    ledger = OutcomeTracker()
    ledger.open(of)
    assert ledger.find(of.id)[0].reported(0) == []


def test_corrections_hold_no_payloads():
    """What is kept of a finished batch is without its payloads, what was reported wrongly included."""
    of = batch(2)
    ledger = OutcomeTracker()
    ledger.open(of)
    ledger.settle(outcome(of, 0, 1, State.PRESUMED))
    ledger.settle(outcome(of, 0, 1, State.REJECTED, corrects=True))
    ledger.settle(outcome(of, 1, 2))
    [presumed, rejected] = ledger.find(of.id)[0].reported(0)
    assert presumed.span.batch.payload == rejected.span.batch.payload == b""
