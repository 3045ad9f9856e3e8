"""Logins at the console: how they begin, last and end."""

from itertools import count

import pytest

from pushgate.inputs.http.console.logins import ABSOLUTE, IDLE, MOST, Logins, new_secret
from pushgate.model.principals import Grant, Principals
from pushgate.model.secret_hash import SecretHash


@pytest.fixture
def principals():
    """Two principals."""
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


def test_a_login_is_found_by_its_id(logins, ops):
    """Only its id finds it: another id and the CSRF token do not."""
    number, login = logins.begin(ops, 0.0)
    assert logins.find(number, 1.0) is login
    assert login.principal is ops
    assert logins.find(login.csrf, 1.0) is None
    assert logins.find("", 1.0) is None


def test_an_unused_login_ends(logins, ops):
    """It ends after `IDLE` seconds without a use."""
    number, _ = logins.begin(ops, 0.0)
    assert logins.find(number, IDLE - 1)
    assert logins.find(number, 2 * IDLE - 2)
    assert logins.find(number, 3 * IDLE - 2) is None


def test_a_login_in_use_ends(logins, ops):
    """It ends after `ABSOLUTE` seconds in any case."""
    number, _ = logins.begin(ops, 0.0)
    now = 0.0
    while now + IDLE / 2 < ABSOLUTE:
        now += IDLE / 2
        assert logins.find(number, now)
    assert logins.find(number, ABSOLUTE) is None


def test_holders_of_an_ended_login(logins, ops):
    """A stream that holds the login sees that it has ended."""
    number, login = logins.begin(ops, 0.0)
    logins.end(number)
    assert not login.lasts(1.0)
    assert logins.find(number, 1.0) is None
    logins.end(number)  # once more does no harm


def test_one_principal_has_a_bounded_number(logins, ops, principals):
    """Another login ends the least recently used one of this principal."""
    other, _ = logins.begin(principals.login("desk", b"desk"), 0.0)
    numbers = [logins.begin(ops, float(each))[0] for each in range(MOST)]
    assert logins.find(numbers[0], 100.0)
    logins.begin(ops, 101.0)
    assert logins.find(numbers[1], 102.0) is None
    assert all(logins.find(each, 102.0) for each in (numbers[0], *numbers[2:], other))
    assert len(logins) == MOST + 1


def test_ended_logins_are_dropped(logins, ops):
    """Ended logins use no memory."""
    for each in range(5):
        logins.begin(ops, float(each))
    logins.begin(ops, ABSOLUTE)
    assert len(logins) == 1


def test_the_csrf_token(logins, ops):
    """Only the exact token is accepted."""
    _, login = logins.begin(ops, 0.0)
    assert login.vouches(login.csrf)
    assert not any(login.vouches(each) for each in (None, "", login.csrf[:-1], f"{login.csrf}é"))


def test_secrets_cannot_be_guessed():
    """Each secret has 256 bits, and none repeats."""
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(each) == 43 for each in made)
