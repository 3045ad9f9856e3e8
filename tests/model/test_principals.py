"""Who may do what."""

import contextlib
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Forbidden, TooFast, TooLarge
from pushgate.model.principals import ANONYMOUS, Grant, Operation, Principals
from pushgate.model.secret_hash import SecretHash

PUSH, READ, ADMIN = Operation.PUSH, Operation.READ, Operation.ADMIN
SECRET, OTHER = b"a" * 43, b"b" * 43
SALT = bytes(16)
SHOP = Grant(
    operations=frozenset({PUSH, READ}),
    apps=frozenset({"news"}),
    secrets=(SecretHash.of(SECRET, SALT),),
    certificate="CN=shop",
)


def shop(**changes):
    """Somebody who logged in as a principal with these limits."""
    grant = Grant(secrets=SHOP.secrets, **changes)
    return Principals({"shop": grant}).login("shop", SECRET)


def test_nobody_configured():
    """Without principals everybody may do everything, and nobody can log in."""
    principals = Principals()
    assert principals.open
    for operation in Operation:
        principals.anonymous.permit(operation, "news", 10**6, 0.0)
    assert principals.anonymous.sees("news")
    assert not principals.anonymous.limited
    with pytest.raises(Forbidden):
        principals.login(ANONYMOUS, b"")


def test_not_logged_in():
    """As soon as there are principals, who has not logged in may do nothing, unless the configuration says what."""
    assert Principals({"shop": SHOP}).anonymous is None
    reader = Principals({"shop": SHOP, ANONYMOUS: Grant(operations=frozenset({READ}))}).anonymous
    reader.permit(READ, "news", 0, 0.0)
    with pytest.raises(Forbidden, match=r"^push: not allowed without a login$"):
        reader.permit(PUSH, "news", 1, 0.0)


@pytest.mark.parametrize("prove", [lambda p: p.login("shop", SECRET), lambda p: p.bearer(SECRET), lambda p: p.certified("CN=shop")])  # fmt: skip
def test_proven(prove):
    """A name with its secret, the secret alone, or a certificate's subject proves who somebody is."""
    principals = Principals({"shop": SHOP, "other": Grant(secrets=(SecretHash.of(OTHER, SALT),))})
    assert not principals.open
    principal = prove(principals)
    assert principal.name == "shop"
    principal.permit(PUSH, "news", 1, 0.0)
    principal.permit(READ, None, 0, 0.0)


@pytest.mark.parametrize(
    "prove",
    [
        lambda p: p.login("shop", OTHER),
        lambda p: p.login("shop", b""),
        lambda p: p.login("nobody", SECRET),
        lambda p: p.login("other", SECRET),
        lambda p: p.login("CN=shop", b""),
        lambda p: p.bearer(SECRET + b"a"),
        lambda p: p.certified("CN=nobody"),
        lambda p: p.certified("shop"),
    ],
)
def test_not_proven(prove):
    """Anything else proves nothing, and the refusal repeats nothing of what was tried."""
    principals = Principals({"shop": SHOP, "other": Grant(secrets=(SecretHash.of(OTHER, SALT),))})
    with pytest.raises(Forbidden) as caught:
        prove(principals)
    assert not {"aaa", "bbb", "nobody", "shop"} & set(str(caught.value).replace("=", " ").split())


def test_every_secret_is_tried(monkeypatch):
    """A login costs the same whether or not there is such a name, so that its time does not tell."""
    principals = Principals({name: Grant(secrets=(SecretHash.of(name.encode(), SALT),)) for name in "abc"})
    tried = []
    fits = SecretHash.fits
    monkeypatch.setattr(SecretHash, "fits", lambda self, secret: tried.append(self) or fits(self, secret))
    counts = []
    for name, secret in [("a", b"a"), ("c", b"c"), ("b", b"?"), ("nobody", b"?")]:
        with contextlib.suppress(Forbidden):
            principals.login(name, secret)
        counts.append(len(tried))
        tried.clear()
    assert counts == [3, 3, 3, 3]


def test_what_is_not_allowed():
    """A principal is kept to its operations and apps; a refusal does not say which apps there are."""
    principal = Principals({"shop": SHOP}).login("shop", SECRET)
    with pytest.raises(Forbidden, match=r"^admin: not allowed to shop$"):
        principal.permit(ADMIN, None, 0, 0.0)
    with pytest.raises(Forbidden, match=r"^app: not one that shop may use$"):
        principal.permit(PUSH, "mail", 1, 0.0)
    assert (principal.sees("news"), principal.sees("mail"), principal.limited) == (True, False, True)
    assert not shop(operations=frozenset({PUSH})).sees("news")


def test_largest_batch():
    """A submission of more than its largest batch is too large, whatever the rate."""
    principal = shop(max_batch=10)
    principal.permit(PUSH, "news", 10, 0.0)
    with pytest.raises(TooLarge, match=r"^batch: 11 notifications; at most 10$"):
        principal.permit(PUSH, "news", 11, 0.0)


def test_rate():
    """Beyond its rate a principal is refused, learns for how long, and that is true."""
    principal = shop(rate=10.0)
    principal.permit(PUSH, "news", 10, 100.0)
    with pytest.raises(TooFast, match=r"^rate: at most 10 notifications a second; again in 0.3 s$") as caught:
        principal.permit(PUSH, "news", 3, 100.0)
    assert caught.value.code == "OVERLOADED"
    assert isclose(caught.value.retry_after, 0.3)
    principal.permit(PUSH, "news", 3, 100.0 + caught.value.retry_after)
    principal.permit(READ, "news", 0, 100.3)


def test_rate_below_one():
    """A rate of less than one notification a second still lets each of them through in its time."""
    principal = shop(rate=0.1)
    principal.permit(PUSH, "news", 1, 0.0)
    with pytest.raises(TooFast) as caught:
        principal.permit(PUSH, "news", 1, 5.0)
    assert isclose(caught.value.retry_after, 5.0)


def test_larger_than_the_rate():
    """A batch larger than a second's worth goes when that much was saved up, and the next one pays for it."""
    principal = shop(rate=10.0)
    principal.permit(PUSH, "news", 35, 0.0)
    with pytest.raises(TooFast) as caught:
        principal.permit(PUSH, "news", 1, 0.0)
    assert isclose(caught.value.retry_after, 2.6)


def test_a_rate_that_a_reload_changes():
    """The next submission goes by the new rate; what was used up stays used up."""
    principals = Principals({"shop": Grant(secrets=SHOP.secrets, certificate="CN=shop", rate=10.0)})
    principal = principals.certified("CN=shop")
    principal.permit(PUSH, "news", 10, 0.0)
    principals.replace({"shop": Grant(secrets=SHOP.secrets, certificate="CN=shop", rate=100.0)})
    with pytest.raises(TooFast, match="at most 100 notifications a second; again in"):
        principal.permit(PUSH, "news", 50, 0.0)
    principal.permit(PUSH, "news", 50, 0.5)


def test_quota_is_shared():
    """All who are the same principal use up one quota."""
    principals = Principals({"shop": Grant(secrets=SHOP.secrets, certificate="CN=shop", rate=10.0)})
    principals.login("shop", SECRET).permit(PUSH, "news", 10, 0.0)
    with pytest.raises(TooFast):
        principals.certified("CN=shop").permit(PUSH, "news", 10, 0.0)


@given(
    rate=st.floats(min_value=0.01, max_value=1e6),
    asked=st.lists(st.tuples(st.integers(1, 5000), st.floats(min_value=0, max_value=100)), max_size=30),
)
def test_rate_holds(rate, asked):
    """However it is asked, what goes is never more than the rate, a second's worth and one batch; and who
    comes back then is let in."""
    principal, now, went, largest = shop(rate=rate), 0.0, 0, 0
    for count, pause in asked:
        now += pause
        largest = max(largest, count)
        try:
            principal.permit(PUSH, "news", count, now)
        except TooFast as error:
            now += error.retry_after * (1 + 1e-9)
            principal.permit(PUSH, "news", count, now)
        went += count
    assert went <= rate * now * (1 + 1e-6) + max(1.0, rate) + largest


def test_reload_takes_away():
    """What a reload changes holds at once for those who are logged in: less, a revoked secret, no principal."""
    principals = Principals({"shop": SHOP})
    by_secret, by_certificate = principals.login("shop", SECRET), principals.certified("CN=shop")

    principals.replace({"shop": Grant(operations=frozenset({READ}), secrets=SHOP.secrets)})
    with pytest.raises(Forbidden, match="push: not allowed"):
        by_secret.check(PUSH, "news")
    assert by_secret.sees("mail")
    with pytest.raises(Forbidden, match="log in again"):
        by_certificate.check(READ, None)

    principals.replace({"shop": Grant(secrets=(SecretHash.of(OTHER, SALT),))})
    assert not by_secret.sees("mail")
    with pytest.raises(Forbidden, match="log in again"):
        by_secret.charge(1, 0.0)

    new = principals.login("shop", OTHER)
    principals.replace({"other": SHOP})
    assert (new.sees("mail"), new.limited) == (False, True)
    with pytest.raises(Forbidden, match="log in again"):
        new.check(READ, None)


def test_reload_undone():
    """A reload that fails in the end can be taken back: who was logged in still is, with the quota left."""
    principals = Principals({"shop": Grant(secrets=SHOP.secrets, rate=10.0)})
    principal = principals.login("shop", SECRET)
    principal.permit(PUSH, "news", 10, 0.0)
    undo = principals.replace({"other": Grant(secrets=(SecretHash.of(OTHER, SALT),))})
    with pytest.raises(Forbidden):
        principal.check(PUSH, "news")
    assert ("other" in principals, "shop" in principals) == (True, False)
    undo()
    assert ("other" in principals, "shop" in principals) == (False, True)
    principal.check(PUSH, "news")
    with pytest.raises(TooFast):
        principal.charge(1, 0.0)
    with pytest.raises(Forbidden):
        principals.login("other", OTHER)


def test_reload_keeps_the_quota():
    """A reload gives nobody a new quota."""
    grant = Grant(secrets=SHOP.secrets, rate=10.0)
    principals = Principals({"shop": grant})
    principal = principals.login("shop", SECRET)
    principal.permit(PUSH, "news", 10, 0.0)
    principals.replace({"shop": grant})
    with pytest.raises(TooFast):
        principal.permit(PUSH, "news", 10, 0.0)


def test_first_principals():
    """When a reload brings the first principals, who came in without a login is out."""
    principals = Principals()
    anybody = principals.anonymous
    principals.replace({"shop": SHOP})
    with pytest.raises(Forbidden):
        anybody.check(READ, None)


def test_hash():
    """A hash is written and read as one line, and holds nothing of the secret."""
    hashed = SecretHash.of(SECRET, bytes(range(16)))
    assert SecretHash.parse(str(hashed)) == hashed
    assert hashed.fits(SECRET)
    assert not hashed.fits(OTHER)
    assert SECRET.hex() not in str(hashed)
    assert SECRET.decode() not in repr(hashed)


@given(st.text(max_size=120))
def test_no_hash(text):
    """What is no line of a secret file is refused without being repeated."""
    with pytest.raises(ValueError, match="must be sha256:SALT:DIGEST"):
        SecretHash.parse(text)


def test_vouched():
    """Where somebody else made sure who it is, there is no secret to ask for; a name that is none is nobody."""
    principals = Principals({"shop": SHOP})
    principals.vouched("shop").permit(PUSH, "news", 1, 0.0)
    with pytest.raises(Forbidden):
        principals.vouched("shop").check(PUSH, "chat")
    assert principals.vouched("nobody") is None
    principals.replace({})
