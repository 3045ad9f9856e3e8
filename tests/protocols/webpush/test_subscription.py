"""Subscriptions, and the one form that each has."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.webpush.subscription import (
    canonical,
    check_target,
    is_point,
    origin_of,
    parse,
    written,
)
from tests.protocols.webpush.browsers import AUTH, ENDPOINT, KEY, point, subscription, text

ONE = b'{"endpoint":"%b","keys":{"p256dh":"%b","auth":"%b"}}' % (
    ENDPOINT.encode(), text(point(KEY)).encode(), text(AUTH).encode(),
)  # fmt: skip


def test_what_a_browser_gives():
    """Other fields are read over."""
    found = parse(subscription(more={"x": [1]}))
    assert found.origin == Origin("updates.push.example.net")
    assert (found.path, found.public, found.auth) == (b"/wpush/v2/gAAAAAB?x=1", point(KEY), AUTH)


@pytest.mark.parametrize(
    "target",
    [
        ONE,
        subscription(),
        b" " + subscription() + b"\n",
        subscription().replace(b"/", b"\\/"),
        subscription("HTTPS://Updates.Push.Example.NET:443/wpush/v2/gAAAAAB?x=1"),
        subscription(public=text(point(KEY)) + "=", auth=text(AUTH) + "=="),
        subscription(public=text(point(KEY)).replace("-", "+").replace("_", "/")),
        subscription(auth=text(AUTH)[:-1] + "x"),  # with bits that are not used
    ],
)
def test_one_form_for_all_spellings(target):
    """However a subscription was stored on its way here."""
    assert canonical(target) == ONE
    assert written(parse(target)) == ONE
    check_target(target)


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("https://h", b"/"), ("https://h/", b"/"), ("https://h?a", b"/?a"), ("https://h:8443/a//b?c&d=%22", b"/a//b?c&d=%22"),
    ],
)  # fmt: skip
def test_paths(endpoint, path):
    """As they are requested."""
    assert parse(subscription(endpoint)).path == path


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            b"",
            'token: no subscription in JSON; {"endpoint", "keys": {"p256dh", "auth"}} as the browser gave it',
        ),
        (b"[]", "token: no subscription in JSON"),
        (b"\xff", "token: no subscription in JSON"),
        (b'{"endpoint":"\xff"}', "token: no subscription in JSON"),
        (b"[" * 100_000, "token: no subscription in JSON"),
        (b'{"endpoint":"https://h/"}', "token: no subscription in JSON"),
        (b'{"endpoint":"https://h/","keys":{"auth":"x"}}', "token: no subscription in JSON"),
        (subscription(5), "token: no subscription in JSON"),
        (
            subscription("http://h/"),
            "token: endpoint is no address; https://HOST/PATH without user and fragment",
        ),
        (subscription("https:///x"), "token: endpoint is no address"),
        (subscription("https://me@h/"), "token: endpoint is no address"),
        (subscription("https://h/#x"), "token: endpoint is no address"),
        (subscription("https://h/a b"), "token: endpoint is no address"),
        (subscription("https://h/ä"), "token: endpoint is no address"),
        (subscription("https://h/\\x"), "token: endpoint is no address"),
        (subscription("https://h/`"), "token: endpoint is no address"),
        (subscription("https://h/<"), "token: endpoint is no address"),
        (subscription("https://h/?>"), "token: endpoint is no address"),
        (subscription('https://h/"'), "token: endpoint is no address"),
        (subscription("https://h/\n"), "token: endpoint is no address"),
        (subscription("https://h\\@x/"), "token: endpoint is no address"),
        (subscription(public=""), "token: p256dh is no key; a point on P-256, uncompressed, in base64url"),
        (subscription(public=text(point(KEY))[:-1]), "token: p256dh is no key"),
        (subscription(public=text(point(KEY)) + "=="), "token: p256dh is no key"),
        (subscription(public="é" * 87), "token: p256dh is no key"),
        (subscription(public=text(point(KEY)[:-1] + b"\0")), "token: p256dh is no key"),
        (subscription(auth=""), "token: auth is no secret; 16 bytes in base64url"),
        (subscription(auth=text(AUTH) + "A"), "token: auth is no secret"),
        (subscription(auth=text(AUTH) + "="), "token: auth is no secret"),
    ],
)
def test_what_is_no_subscription(target, message):
    """The error names the part, and quotes nothing."""
    with pytest.raises(Invalid) as caught:
        check_target(target)
    assert str(caught.value).startswith(message)
    assert canonical(target) == target


@given(st.binary(max_size=60) | st.builds(subscription, st.text(max_size=30).map("https://".__add__)))
def test_anything(target):
    """Nothing is raised, and a form is its own."""
    form = canonical(target)
    assert canonical(form) == form
    if form != target:
        assert parse(form) == parse(target)
        assert json.loads(form)


class TestPoints:
    def test_keys_are_points(self):
        """Those that cryptography makes."""
        assert all(is_point(point(generate_private_key(SECP256R1()))) for _ in range(50))

    @pytest.mark.parametrize(
        "encoded",
        [
            b"",
            point(KEY)[:-1],
            point(KEY) + b"\0",
            b"\x06" + point(KEY)[1:],
            b"\x04" + bytes(64),
            b"\x04" + b"\xff" * 64,
            b"\x04" + bytes(32) + b"\xff" * 32,
            point(generate_private_key(SECP384R1()))[:65],
            point(KEY)[:33] + point(KEY)[1:33],
        ],
        ids=[
            "nothing",
            "short",
            "long",
            "compressed",
            "zero",
            "too great",
            "y too great",
            "another curve",
            "no point",
        ],
    )
    def test_what_is_none(self, encoded):
        """Of another length, form or curve, or with a coordinate beyond the field."""
        assert not is_point(encoded)

    @given(st.integers(0, 512), st.integers(0, 255))
    def test_a_bit_makes_another(self, at, value):
        """A key with a wrong byte is no point."""
        encoded = bytearray(point(KEY))
        encoded[at % 65] = value
        assert is_point(bytes(encoded)) == (bytes(encoded) == point(KEY))


@given(st.text(st.characters(max_codepoint=0x7F), max_size=20))
def test_what_a_path_may_have(path):
    """All of ASCII that is printed, but what addresses write with a percent sign, and fragments."""
    fine = all("!" <= each <= "~" and each not in '#"<>\\`' for each in path)
    try:
        parse(subscription(f"https://h/{path}"))
    except Invalid:
        assert not fine
    else:
        assert fine


def test_the_one_form_is_read_as_any_other():
    """It is read in a way of its own, which comes to the same; so is the origin alone."""
    for address in ("https://h/", "https://h:8443/p?q=1", "https://[::1]/x", "https://10.0.0.1/x"):
        loose = subscription(address)
        strict = canonical(loose)
        assert (parse(strict), origin_of(strict)) == (parse(loose), origin_of(loose))
        assert canonical(strict) == strict


@pytest.mark.parametrize("host", ["h:443", "h.", "H", "10.0.0.256", "h:0", "a@b"])
def test_what_only_looks_like_the_one_form(host):
    """A host that is written otherwise, or is none, is read as carefully as in any other form."""
    target = canonical(subscription("https://h/p")).replace(b"//h/", f"//{host}/".encode())
    try:
        found = parse(target)
    except Invalid:
        assert canonical(target) == target
    else:
        assert canonical(target) == canonical(subscription(f"https://{found.origin.authority}/p"))
