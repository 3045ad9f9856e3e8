"""The guard against declaring living tokens dead because the environment is wrong."""

from hypothesis import given
from hypothesis import strategies as st

from pushgate.gateway.dead_tokens.environment_guard import GUARD, PROVEN_GUARD, Doubt, EnvironmentGuard
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from tests.samples import token


def doubt(number, doubted=True):
    """A refusal."""
    return Doubt(DeadTokenEntry(token(number), 5, DeadReason.INVALID_TOKEN, doubted), None)


def trips(guard, count):
    """Refuse so many; at which the guard trips, with how many it takes back."""
    return [(n, len(taken)) for n in range(count) if (taken := guard.rejected(doubt(n)))]


def test_nothing_ever_accepted():
    """Twenty in a row are taken back, the last first; from then on each further one is suspect at once."""
    guard = EnvironmentGuard()
    assert not guard.trusts
    assert trips(guard, GUARD + 3) == [(GUARD - 1 + n, GUARD) for n in range(4)]
    taken = guard.rejected(doubt(99))
    assert [each.death.token for each in taken[:2]] == [token(99), token(GUARD + 2)]


def test_an_acceptance_ends_the_row():
    """The environment is right, so they were true; it tells whether that was in doubt."""
    guard = EnvironmentGuard()
    assert not guard.accepted()
    guard = EnvironmentGuard()
    trips(guard, GUARD - 1)
    assert guard.accepted()
    assert not guard.accepted()
    assert guard.trusts
    guard.rejected(doubt(1, doubted=False))
    assert not guard.accepted()


def test_an_honest_list_of_dead_tokens():
    """Once something was accepted, a list may begin with many dead tokens; but not without end."""
    guard = EnvironmentGuard()
    guard.accepted()
    assert trips(guard, PROVEN_GUARD - 1) == []
    assert trips(guard, 2) == [(0, PROVEN_GUARD), (1, GUARD)]
    assert not guard.trusts


def test_presumptions_count_until_they_are_belied():
    """Who refuses nothing in time is most likely right; a late refusal says otherwise."""
    guard = EnvironmentGuard()
    guard.presumed()
    assert trips(guard, GUARD) == []
    guard.belied()
    assert trips(guard, 1) == [(0, GUARD + 1)]
    guard.accepted()
    guard.belied()
    assert trips(guard, GUARD) == [], "a proof stays one"


def test_a_row_goes_on_after_a_restart():
    """Refusals of an earlier life that nothing confirmed count."""
    guard = EnvironmentGuard()
    for number in range(GUARD - 1):
        guard.resume(doubt(number))
    assert trips(guard, 1) == [(0, GUARD)]


@given(st.lists(st.booleans(), max_size=2000))
def test_it_never_trips_with_an_acceptance_in_the_row(refusals):
    """The row that trips it has no acceptance in it, and is as long as what is known asks for."""
    guard, row, ever = EnvironmentGuard(), 0, False
    for number, refused in enumerate(refusals):
        if not refused:
            guard.accepted()
            row, ever = 0, True
            continue
        row += 1
        tripped = bool(guard.rejected(doubt(number)))
        assert tripped is (row >= (PROVEN_GUARD if ever else GUARD))
        ever = ever and not tripped


def test_other_credentials():
    """What was shown with other credentials shows nothing of these."""
    guard = EnvironmentGuard()
    guard.accepted()
    guard.distrust()
    assert not guard.trusts
    assert trips(guard, GUARD) == [(GUARD - 1, GUARD)]


def test_a_token_is_doubted_until_something_is_accepted():
    """What depends on its death waits for that; one that was refused when all was right is not doubted."""
    guard = EnvironmentGuard()
    guard.rejected(doubt(1))
    guard.rejected(doubt(2, doubted=False))
    assert [guard.doubts(token(number)) for number in (1, 2, 3)] == [True, False, False]
    guard.accepted()
    assert not guard.doubts(token(1))
