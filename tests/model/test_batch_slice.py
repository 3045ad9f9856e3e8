"""Runs of members of a batch."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.batch_slice import outside, overlap, without
from pushgate.model.packed import Packed
from tests.samples import PAYLOAD, span, token

flags = st.lists(st.booleans(), max_size=30)


def runs_of(flags):
    """The runs of true ones, cut in two where they are long."""
    found = [(at, at + 1) for at, flag in enumerate(flags) if flag]
    merged = []
    for start, stop in found:
        if merged and merged[-1][1] == start and start % 4:
            merged[-1] = merged[-1][0], stop
        else:
            merged.append((start, stop))
    return merged


def flat(runs):
    """The members of runs."""
    return {index for start, stop in runs for index in range(start, stop)}


def test_a_part_keeps_the_history():
    """Whatever a span has been through, each part of it has been through."""
    whole = replace(span(10), attempts=2, retries=1, closes=2, alone=5, recalled=True)
    for start, stop in ((3, 7), (0, 7), (3, 10)):
        assert whole.part(start, stop) == replace(whole, start=start, stop=stop)


def test_the_whole_is_a_part_of_itself():
    """Taking everything costs no copy."""
    whole = span(3)
    assert whole.part(0, 3) is whole


def test_a_span_reads_its_own_members():
    """Tokens and payloads are those of the members from start to stop, a shared payload once for each."""
    own = [b'{"n":%d}' % index for index in range(5)]
    part = span(5, payload=Packed.of(own, 2)).part(1, 4)
    assert part.tokens() == [token(1), token(2), token(3)]
    assert part.payloads() == own[1:4]
    assert len(part) == 3
    assert span(5).part(1, 3).payloads() == [PAYLOAD, PAYLOAD]


def test_places_follow_acceptance():
    """Spans sort by batch in the order of acceptance, then by member."""
    first, second = span(9, order=1), span(9, order=2)
    places = [first.place, first.part(4, 9).place, second.place, second.part(1, 2).place]
    assert places == sorted(places)


@given(st.integers(0, 30).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, max(0, n - 1))))))
def test_without_leaves_every_other_index(case):
    """The runs cover exactly the indices that are no hole, ascending, and no two runs touch."""
    count, holes = case
    holes = {hole for hole in holes if hole < count}
    runs = without(count, tuple(sorted(holes)))
    assert [index for run in runs for index in range(*run)] == sorted(set(range(count)) - holes)
    assert all(start < stop for start, stop in runs)
    assert all(before[1] < after[0] for before, after in pairwise(runs))


@given(flags, flags)
def test_runs_are_sets(some_flags, other_flags):
    """What two sets of runs share, and what is left of one without the other, is what it is for sets."""
    some, others = runs_of(some_flags), runs_of(other_flags)
    assert flat(overlap(some, others)) == flat(some) & flat(others)
    assert flat(outside(some, others)) == flat(some) - flat(others)
    left = outside(some, others)
    assert left == sorted(left)
    assert all(start < stop for start, stop in left)
