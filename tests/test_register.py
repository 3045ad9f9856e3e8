"""The dead tokens of one app, and the guard against declaring living ones dead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.register import GUARD, DeadTokens
from tests.samples import token

DIED = 1_700_000_000


def test_what_died_is_suppressed():
    """A token with an entry is not sent to, any other is."""
    dead = DeadTokens()
    dead.add(token(1), DIED)
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
    dead = DeadTokens()
    dead.add(token(1), DIED)
    assert dead.suppresses(token(1), registered_at) is suppressed


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5))
def test_of_several_deaths_the_last_counts(deaths):
    """Reports may come in any order: the latest time stands."""
    dead = DeadTokens()
    for since in deaths:
        dead.add(token(1), since)
    assert not dead.suppresses(token(1), max(deaths))
    assert dead.suppresses(token(1), max(deaths) - 1)
    assert len(dead) == 1


def test_any_of_finds_one_among_many():
    """A whole run is looked up at once."""
    dead = DeadTokens()
    assert not dead.any_of([token(1)])
    dead.add(token(1), DIED)
    assert dead.any_of([token(0), token(1)])
    assert not dead.any_of([token(0), token(2)])
    assert not dead.any_of([])


def test_the_oldest_entry_is_forgotten_at_the_limit():
    """The register is bounded; an entry that was renewed counts as new."""
    dead = DeadTokens(limit=3)
    for number in (1, 2, 3):
        dead.add(token(number), DIED)
    dead.add(token(1), DIED + 1)
    dead.add(token(4), DIED)
    assert [number for number in range(5) if token(number) in dead] == [1, 3, 4]


def reject(dead, count, start=0):
    """Reject so many tokens; tell after which the guard tripped."""
    return [number for number in range(start, start + count) if dead.rejected(token(number), DIED)]


def test_a_rejected_token_is_dead_at_once():
    """Later notifications to it are suppressed before they are sent again."""
    dead = DeadTokens()
    assert not dead.rejected(token(1), DIED)
    assert dead.suppresses(token(1), None)


def test_twenty_in_a_row_are_taken_back():
    """A wrong environment makes every token invalid: then none of the row is called dead."""
    dead = DeadTokens()
    dead.add(token(100), DIED)
    assert reject(dead, GUARD) == [GUARD - 1]
    assert not dead.any_of([token(number) for number in range(GUARD)])
    assert token(100) in dead, "what the feedback service said stands"


def test_while_nothing_is_accepted_every_further_one_trips():
    """After the guard tripped once, each further rejection in the row is taken back as well."""
    dead = DeadTokens()
    assert reject(dead, GUARD + 5) == list(range(GUARD - 1, GUARD + 5))
    assert len(dead) == 0


def test_an_acceptance_confirms_the_rejections_before_it():
    """The environment is right, so they were true; the count starts anew."""
    dead = DeadTokens()
    assert reject(dead, GUARD - 1) == []
    dead.accepted()
    assert reject(dead, GUARD, start=100) == [100 + GUARD - 1]
    assert dead.any_of([token(number) for number in range(GUARD - 1)])
    assert len(dead) == GUARD - 1


def test_after_a_trip_an_acceptance_lets_tokens_die_again():
    """When the environment was mended, rejections count as before."""
    dead = DeadTokens()
    reject(dead, GUARD)
    dead.accepted()
    assert reject(dead, 1) == []
    assert token(0) in dead
