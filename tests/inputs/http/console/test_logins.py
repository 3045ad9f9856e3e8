"""Logins at the console: how they begin, last and end."""

from itertools import count

import pytest

from pushgate.inputs.http.console.logins import ABSOLUTE, IDLE, MOST, Logins, new_secret
from pushgate.model.principals import Grant, Principals
from pushgate.model.secret_hash import SecretHash


@pytest.fixture
def principals():
    """Two who can log in."""
    secrets = {name: SecretHash.of(name.encode(), bytes(16)) for name in ("ops", "desk")}
    return Principals({name: Grant(secrets=(secret,)) for name, secret in secrets.items()})


@pytest.fixture
def ops(principals):
    """One of them."""
    return principals.login("ops", b"ops")


@pytest.fixture
def logins():
    """Without chance: the secrets are numbered."""
    numbers = count(1)
    return Logins(lambda: f"secret-{next(numbers)}")


def test_a_login_is_found_by_its_id_alone(logins, ops):
    """Its id leads to it; another one, and the token that goes with changes, do not."""
    number, login = logins.begin(ops, 0.0)
    assert logins.find(number, 1.0) is login
    assert login.principal is ops
    assert logins.find(login.csrf, 1.0) is None
    assert logins.find("", 1.0) is None


def test_a_login_that_is_not_used_ends(logins, ops):
    """Each use counts; half an hour without one ends it, at the moment it is over."""
    number, _ = logins.begin(ops, 0.0)
    assert logins.find(number, IDLE - 1)
    assert logins.find(number, 2 * IDLE - 2)
    assert logins.find(number, 3 * IDLE - 2) is None


def test_a_login_that_is_used_ends_as_well(logins, ops):
    """Twelve hours after it began, however much it is used."""
    number, _ = logins.begin(ops, 0.0)
    now = 0.0
    while now + IDLE / 2 < ABSOLUTE:
        now += IDLE / 2
        assert logins.find(number, now)
    assert logins.find(number, ABSOLUTE) is None


def test_a_login_that_is_ended_is_ended_for_all_who_hold_it(logins, ops):
    """A stream that began with it hears of it."""
    number, login = logins.begin(ops, 0.0)
    logins.end(number)
    assert not login.lasts(1.0)
    assert logins.find(number, 1.0) is None
    logins.end(number)  # once more does no harm


def test_one_principal_has_a_bounded_number(logins, ops, principals):
    """One more ends the one that was used least recently; others' logins stay."""
    other, _ = logins.begin(principals.login("desk", b"desk"), 0.0)
    numbers = [logins.begin(ops, float(each))[0] for each in range(MOST)]
    assert logins.find(numbers[0], 100.0)
    logins.begin(ops, 101.0)
    assert logins.find(numbers[1], 102.0) is None
    assert all(logins.find(each, 102.0) for each in (numbers[0], *numbers[2:], other))
    assert len(logins) == MOST + 1


def test_what_has_ended_is_forgotten(logins, ops):
    """Nothing is kept of logins that nobody can use."""
    for each in range(5):
        logins.begin(ops, float(each))
    logins.begin(ops, ABSOLUTE)
    assert len(logins) == 1


def test_the_token_of_changes(logins, ops):
    """Only the token itself vouches for a change."""
    _, login = logins.begin(ops, 0.0)
    assert login.vouches(login.csrf)
    assert not any(login.vouches(each) for each in (None, "", login.csrf[:-1], f"{login.csrf}é"))


def test_secrets_cannot_be_guessed():
    """Each has 256 bits, and none comes twice."""
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(each) == 43 for each in made)
