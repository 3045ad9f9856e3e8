"""The sent window: positions, identifiers, recall; it never evicts what is in flight."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.apns_binary.window import IDENTIFIERS, Window, identifier
from tests.samples import batch, span


def members(spans: list[BatchSlice]) -> list[int]:
    """The indices that spans hold, in order."""
    return [index for each in spans for index in range(each.start, each.stop)]


def test_identifiers_begin_at_one_and_wrap_past_zero() -> None:
    """Identifiers run from 1 to 2^32-1 and then begin at 1 again: 0 means "unknown" on the wire (corner 1, I5)."""
    assert [identifier(place) for place in (0, 1, IDENTIFIERS - 1, IDENTIFIERS)] == [1, 2, 0xFFFFFFFF, 1]


def test_locates_by_distance_across_the_wrap() -> None:
    """An identifier is found by its distance from the oldest, also when the numbers wrap in between."""
    window = Window(ring=10, first=IDENTIFIERS - 2)
    places = window.add(span(5), 0.0)
    carried = [identifier(place) for place in places]
    assert carried == [0xFFFFFFFE, 0xFFFFFFFF, 1, 2, 3]
    assert [window.locate(each) for each in carried] == list(places)
    assert [window.locate(each) for each in (0, 4, 0xFFFFFFFD, 1 << 32)] == [None] * 4


def test_nothing_is_located_in_an_empty_window() -> None:
    """A window that never held anything knows no identifier."""
    assert Window(ring=10).locate(1) is None


def test_splits_at_a_place_across_runs() -> None:
    """What is in flight before and after a place comes in order of writing, whatever runs it was written in."""
    window = Window(ring=10)
    whole = span(10)
    for start, stop in ((0, 3), (3, 4), (4, 10)):
        window.add(whole.part(start, stop), 0.0)
    for place in range(11):
        assert members(window.spans(stop=place)) == list(range(place))
        assert members(window.spans(place)) == list(range(place, 10))
    assert members(window.spans(5, 6)) == [5]


def test_presumes_only_what_was_acknowledged_long_enough_ago() -> None:
    """The response timeout begins when the peer's TCP has the bytes, not when they were sent."""
    window = Window(ring=10)
    window.add(span(2), 1.0)
    window.add(span(3, order=1), None, 300)
    window.add(span(1, order=2), None, 400)
    assert [len(each) for each in window.presume(before=1.0)] == [2]
    assert window.presume(before=100.0) == []
    window.acknowledged(299, 40.0)
    assert window.presume(before=100.0) == []
    window.acknowledged(399, 50.0)
    assert window.presume(before=49.9) == []
    assert [len(each) for each in window.presume(before=50.0)] == [3]
    assert not window.is_acknowledged
    window.acknowledged(400, 60.0)
    assert window.is_acknowledged
    assert [len(each) for each in window.presume(before=60.0)] == [1]
    assert (window.size, window.presumed) == (0, 6)


def test_an_acknowledgement_that_comes_too_late() -> None:
    """What the end of the connection has settled is not waited for."""
    window = Window(ring=10)
    window.add(span(2), None, 200)
    window.clear()
    assert window.is_acknowledged
    window.acknowledged(200, 1.0)
    assert window.presume(before=100.0) == []


def test_presumed_ones_stay_locatable_until_forgotten() -> None:
    """An error that comes late still finds what it is about, for a while."""
    window = Window(ring=100)
    window.add(span(4), 1.0)
    window.presume(before=1.0)
    window.add(span(2, order=1), 2.0)
    assert [window.locate(each) for each in range(1, 8)] == [0, 1, 2, 3, 4, 5, None]
    assert members(window.presumed_spans(2)) == [2, 3]
    assert members(window.presumed_spans(2, 3)) == [2]
    window.forget(before=1.0)
    assert [window.locate(each) for each in range(1, 8)] == [None] * 4 + [4, 5, None]


def test_the_recall_ring_is_bounded() -> None:
    """Presumed notifications beyond the ring's size are forgotten, the oldest first."""
    window = Window(ring=5)
    for order in range(4):
        window.add(span(2, order=order), 0.0)
    window.presume(before=0.0)
    assert window.presumed == 4
    assert [window.locate(each) for each in (4, 5)] == [None, 4]


def test_a_skipped_place_has_an_identifier_of_its_own() -> None:
    """The sentinel takes the next identifier without being a notification."""
    window = Window(ring=5)
    window.add(span(2), 0.0)
    assert identifier(window.skip()) == 3
    assert window.size == 2
    assert members(window.spans()) == [0, 1]


def test_clear_forgets_everything() -> None:
    """After a connection's end nothing of it is left."""
    window = Window(ring=5)
    window.add(span(2), 0.0)
    window.presume(before=0.0)
    window.add(span(1, order=1), 0.0)
    window.clear()
    assert (window.size, window.presumed, window.spans()) == (0, 0, [])


class WindowMachine(RuleBasedStateMachine):
    """Against a plain list of (place, index, time): every operation leaves the same in flight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = IDENTIFIERS - 7
        self.window = Window(ring=12, first=self.first)
        self.batch = batch(3000)
        self.written: list[float | None] = []
        self.presumed = self.arrived = 0
        self.ends: list[int] = []
        self.now = 0.0

    @rule(count=st.integers(1, 9))
    def write(self, count: int) -> None:
        """A byte each."""
        start = len(self.written)
        self.window.add(BatchSlice(self.batch, start, start + count), None, start + count)
        self.written += [None] * count
        self.ends.append(start + count)

    @rule(seconds=st.floats(0.1, 5))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(share=st.floats(0, 1))
    def acknowledge(self, share: float) -> None:
        """Of a run that arrived in part nothing counts."""
        position = self.arrived + round(share * (len(self.written) - self.arrived))
        self.window.acknowledged(position, self.now)
        whole = max((end for end in self.ends if end <= position), default=0)
        self.written = [
            self.now if at is None and index < whole else at for index, at in enumerate(self.written)
        ]
        self.arrived = position

    @precondition(lambda self: self.presumed < len(self.written))
    @rule(age=st.floats(0, 5))
    def presume(self, age: float) -> None:
        spans = self.window.presume(self.now - age)
        found = members(spans)
        assert found == list(range(self.presumed, self.presumed + len(found)))
        self.presumed += len(found)
        times = self.written[found[0] : self.presumed] if found else []
        assert all(at is not None and at <= self.now - age for at in times)
        rest = self.written[self.presumed :]
        assert not rest or rest[0] is None or rest[0] > self.now - age

    @invariant()
    def all_in_flight_is_there(self) -> None:
        """Nothing in flight is ever evicted, and each is found by its identifier (I6)."""
        assert members(self.window.spans()) == list(range(self.presumed, len(self.written)))
        assert self.window.size == len(self.written) - self.presumed
        for index in range(self.presumed, len(self.written)):
            assert self.window.locate(identifier(self.first + index)) == self.first + index

    @invariant()
    def the_ring_holds(self) -> None:
        assert self.window.presumed <= 12


WindowMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestWindowMachine = WindowMachine.TestCase


@given(st.lists(st.integers(1, 20), min_size=1, max_size=20), st.data())
def test_any_cut_loses_and_repeats_nothing(sizes: list[int], data: st.DataObject) -> None:
    """Whatever place an error names, before + named + after is exactly what was written."""
    whole, window, at = batch(sum(sizes)), Window(ring=1), 0
    for size in sizes:
        window.add(BatchSlice(whole, at, at + size), 0.0)
        at += size
    place = data.draw(st.integers(0, at - 1))
    parts = window.spans(stop=place), window.spans(place, place + 1), window.spans(place + 1)
    assert [members(part) for part in parts] == [
        list(range(place)),
        [place],
        list(range(place + 1, at)),
    ]
