"""The dead tokens of one app."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pushgate.gateway.dead_tokens import index
from pushgate.gateway.dead_tokens.index import DeadTokenIndex
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from tests.samples import token

DIED = 1_700_000_000


def death(number, since=DIED, reason=DeadReason.FEEDBACK):
    """The death of a token."""
    return DeadTokenEntry(token(number), since, reason)


def test_what_died_is_suppressed():
    """A token with an entry is not sent to, any other is."""
    dead = DeadTokenIndex()
    assert dead.add(death(1)) == []
    assert dead.suppresses(token(1), None)
    assert not dead.suppresses(token(2), None)
    assert token(1) in dead
    assert token(2) not in dead
    assert len(dead) == 1


@pytest.mark.parametrize(
    ("registered_at", "suppressed"),
    [(None, True), (0, True), (DIED - 1, True), (DIED, False), (DIED + 1, False)],
)
def test_a_later_registration_brings_a_token_back(registered_at, suppressed):
    """The device registered again after the death; in the very same second counts as after."""
    dead = DeadTokenIndex()
    dead.add(death(1))
    assert dead.suppresses(token(1), registered_at) is suppressed


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.sampled_from(DeadReason)), min_size=1, max_size=5))
def test_of_several_deaths_the_last_counts(deaths):
    """Reports may come in any order: the latest time stands, with its reason; of equal ones what came last."""
    dead = DeadTokenIndex()
    for since, reason in deaths:
        dead.add(death(1, since, reason))
    latest = max(since for since, _ in deaths)
    assert not dead.suppresses(token(1), latest)
    assert dead.suppresses(token(1), latest - 1)
    assert dead.get(token(1)) == death(1, latest, [why for since, why in deaths if since == latest][-1])
    assert len(dead) == 1


def test_any_of_finds_one_among_many():
    """A whole run is looked up at once."""
    dead = DeadTokenIndex()
    assert not dead.any_of([token(1)])
    dead.add(death(1))
    assert dead.any_of([token(0), token(1)])
    assert not dead.any_of([token(0), token(2)])
    assert not dead.any_of([])


def test_the_first_entry_is_forgotten_at_the_limit():
    """The register is bounded; an entry that was renewed counts as new, and what is forgotten is returned."""
    dead = DeadTokenIndex(limit=3)
    for number in (1, 2, 3):
        dead.add(death(number))
    dead.add(death(1, DIED + 1))
    assert dead.add(death(4)) == [token(2)]
    assert [number for number in range(5) if token(number) in dead] == [1, 3, 4]


def test_a_large_one_forgets_one_in_a_hundred():
    """Looking for the first entry costs, so it is done once for many."""
    dead = DeadTokenIndex(limit=500)
    forgotten = [each for number in range(501) for each in dead.add(death(number))]
    assert forgotten == [token(number) for number in range(6)]
    assert len(dead) == 495


def test_forgetting():
    """A token that is taken out may be sent to; what is not there cannot be taken out."""
    dead = DeadTokenIndex()
    dead.add(death(1))
    assert dead.forget(token(1))
    assert not dead.forget(token(1))
    assert not dead.suppresses(token(1), None)
    assert dead.get(token(1)) is None


def test_pages_while_it_changes():
    """Who turns the pages misses nobody who stays, and is not shown who went; new ones may be missing."""
    dead = DeadTokenIndex()
    for number in range(0, 10, 2):
        dead.add(death(number))
    first = dead.page(b"", 2)
    dead.forget(token(4))
    dead.add(death(5))
    rest = dead.page(first[-1].token, 10)
    assert [each.token for each in (*first, *rest)] == [token(number) for number in (0, 2, 6, 8)]
    assert [each.token for each in dead.page(token(4), 1)] == [token(5)]


ALIKE = st.builds(
    lambda start, rest: (start + rest) or b"x",
    st.sampled_from([b"", b"https://", b"https://push.example.com/", b"https://push.example.com/send/"]),
    st.binary(max_size=3),
)


@pytest.mark.parametrize(("shelf", "depth"), [(1, 16), (2, 1), (5, 0), (10_000, 16)])
@given(tokens=st.sets(ALIKE, max_size=60), after=st.just(b"") | ALIKE, limit=st.integers(1, 70))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_of_tokens_that_begin_alike(monkeypatch, shelf, depth, tokens, after, limit):
    """However many there are, and however they begin, a page is in their order, and begins behind any token."""
    monkeypatch.setattr(index, "_SHELF", shelf)
    monkeypatch.setattr(index, "_DEPTH", depth)
    dead = DeadTokenIndex()
    for each in tokens:
        dead.add(DeadTokenEntry(each, DIED, DeadReason.GONE))
    behind = [each for each in sorted(tokens) if each > after]
    assert [each.token for each in dead.page(after, limit)] == behind[:limit]
    assert [each.token for each in dead.page(after, 99)] == behind


def test_tokens_that_are_each_the_beginning_of_the_next():
    """They cannot be cut up: they are sorted at once, and the pages have all of them."""
    tokens = [b"a" * number for number in range(1, 500)]
    shelved = index._Sorted(tokens[::-1])
    assert list(shelved.behind(b"")) == tokens


class Model(RuleBasedStateMachine):
    """The register does what a plain dict of times and reasons would."""

    tokens = st.binary(min_size=1, max_size=3)

    def __init__(self):
        super().__init__()
        self.dead, self.model = DeadTokenIndex(limit=8), {}

    @rule(who=tokens, since=st.integers(0, 9), reason=st.sampled_from(DeadReason))
    def add(self, who, since, reason):
        """Somebody died."""
        before = self.model.pop(who, (0, reason))
        self.model[who] = (since, reason) if since >= before[0] else before
        forgotten = list(self.model)[: max(0, len(self.model) - 8)]
        assert self.dead.add(DeadTokenEntry(who, since, reason)) == forgotten
        for each in forgotten:
            del self.model[each]

    @rule(who=tokens)
    def forget(self, who):
        """Somebody lives."""
        assert self.dead.forget(who) is (self.model.pop(who, None) is not None)

    @rule(who=tokens, registered_at=st.none() | st.integers(0, 9))
    def ask(self, who, registered_at):
        """Is there a point in sending?"""
        entry = self.model.get(who)
        expected = entry is not None and (registered_at is None or registered_at < entry[0])
        assert self.dead.suppresses(who, registered_at) is expected

    @invariant()
    def it_is_the_same(self):
        """Read page by page it has the model's entries in the order of their tokens."""
        pages, after = [], b""
        while page := self.dead.page(after, 3):
            pages += page
            after = page[-1].token
        assert pages == [DeadTokenEntry(who, *self.model[who]) for who in sorted(self.model)]
        assert len(self.dead) == len(self.model)


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
ModelTests = Model.TestCase
