"""The key of an application, and the tokens that it signs."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.webpush.vapid import (
    LIFETIME,
    RENEW_AFTER,
    VapidClock,
    check_subject,
    parse_key,
    public_text,
    signed,
)
from tests.protocols.webpush.browsers import KEY, data, point

ORIGIN = Origin("push.example.net", 8443)
WHO = "mailto:ops@example.com"
DAY = 86400


def pem(key, encryption=None, form=PrivateFormat.PKCS8):
    """A key as a file has it."""
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


class TestKeys:
    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_a_key_on_p_256(self, form):
        """In either form of OpenSSL."""
        assert parse_key(pem(KEY, form=form)).private_numbers() == KEY.private_numbers()

    @pytest.mark.parametrize(
        "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)]
    )
    def test_other_keys(self, key):
        """ES256 needs this curve."""
        with pytest.raises(ValueError, match="not on the curve P-256; make one with openssl"):
            parse_key(pem(key))

    @pytest.mark.parametrize("file", [b"", b"\xff", pem(KEY)[:60], pem(KEY, BestAvailableEncryption(b"x"))])
    def test_no_key(self, file):
        """Damaged, or behind a password."""
        with pytest.raises(ValueError, match="holds no private key in PEM; make one with openssl"):
            parse_key(file)

    def test_the_public_key(self):
        """As a page gives it to the browser."""
        assert data(public_text(KEY)) == point(KEY)


@pytest.mark.parametrize("text", [WHO, "https://example.com/contact"])
def test_subjects(text):
    """An address of mail or of the web."""
    assert check_subject(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "ops@example.com", "mailto:", "mailto:ops", "http://x", "https://", "https://a b", WHO + "\n"],
)
def test_no_subjects(text):
    """Said to the operator before a service does."""
    with pytest.raises(ValueError, match="must be mailto:ADDRESS or https://ADDRESS"):
        check_subject(text)


def claims(token, origin=ORIGIN):
    """The claims of a token, its signature verified."""
    return jwt.decode(
        token, KEY.public_key(), algorithms=["ES256"], audience=str(origin), options={"verify_exp": False}
    )


def test_a_token():
    """The claims that RFC 8292 names; the audience is the origin, its port if it is not 443."""
    token = signed(KEY, WHO, ORIGIN, 1_700_000_000)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT"}
    assert claims(token) == {
        "aud": "https://push.example.net:8443",
        "exp": 1_700_000_000 + LIFETIME,
        "sub": WHO,
    }


class TestClock:
    def test_the_header(self):
        """Scheme, token and key."""
        header = VapidClock(KEY, WHO, ORIGIN).authorization(1_700_000_000.5).decode()
        scheme, token, key = header.split(" ")
        assert (scheme, token[:2], token[-1], key) == ("vapid", "t=", ",", f"k={public_text(KEY)}")
        assert claims(token[2:-1])["exp"] == 1_700_000_000 + LIFETIME

    def test_a_token_is_kept_for_half_its_life(self):
        """All requests to one service share it."""
        clock = VapidClock(KEY, WHO, ORIGIN)
        assert clock.serial == 0
        first = clock.authorization(1000.0)
        assert clock.authorization(1000.0 + RENEW_AFTER - 1) == first
        assert clock.serial == 1
        assert clock.authorization(1000.0 + RENEW_AFTER) != first
        assert clock.serial == 2

    @given(st.lists(st.floats(-5 * DAY, 5 * DAY), max_size=10))
    def test_whatever_the_clock_does(self, steps):
        """A token is always good for at least a quarter of a day, and for less than a whole one."""
        clock, wall = VapidClock(KEY, WHO, ORIGIN), 1_700_000_000.0
        for step in steps:
            wall += step
            left = claims(clock.authorization(wall).split(b" ")[1][2:-1])["exp"] - wall
            assert DAY / 4 - 1 <= left < DAY
