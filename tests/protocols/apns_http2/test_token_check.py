"""Provider tokens as the push service checks them."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_http2 import token_check
from pushgate.protocols.apns_http2.push_request import Refused
from pushgate.protocols.apns_http2.token_check import ProviderKey, ProviderToken, TokenCheck, public_key

PRIVATE = ec.derive_private_key(12345, ec.SECP256R1())
OTHER = ec.derive_private_key(54321, ec.SECP256R1())
TEAM, KEY_ID, NOW = "DEF123GHIJ", "ABC123DEFG", 1_700_000_000.0
SAMPLE = (
    b"eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQzEyM0RFRkcifQ.eyJpc3MiOiJERUYxMjNHSElKIiwiaWF0IjoxNDM3MTc5MDM2fQ."
    b"DsvSgkxE3Olsjv2UQ_kVzPZi7Xgx81ZbYtdqr58sck_g_b33F6HN3NJZHdVRZsxAvMBnCAFDZbXtUg5P1NtVBg"
)
"""Apple's example of header and claims, signed with the private key of RFC 7515 A.3."""
SAMPLE_KEY = ec.derive_private_key(
    int("8E9B109E719098BF980487DF1F5D77E9CB29606EBED2263B5F57C213DF84F4B2", 16), ec.SECP256R1()
)


def checker(**named):
    """A check that knows one key."""
    return TokenCheck({KEY_ID: ProviderKey(PRIVATE.public_key(), TEAM)}, **named)


def bearer(claims=None, key=PRIVATE, headers=None, algorithm="ES256"):
    """The header with a token of these claims."""
    claims = {"iss": TEAM, "iat": int(NOW)} if claims is None else claims
    content = json.dumps(claims).encode()
    return (
        b"bearer " + jwt.PyJWS().encode(content, key, algorithm, {"kid": KEY_ID} | (headers or {})).encode()
    )


def refused(authorization, now=NOW, check=None):
    """The reason for a header; the status is always the same."""
    with pytest.raises(Refused) as caught:
        (check or checker()).check(authorization, now)
    assert caught.value.answer.status == 403
    return caught.value.answer.reason


def test_a_good_token():
    """A token says who signed it and when; `typ` does no harm; the scheme is in any case."""
    text = bearer()
    expected = ProviderToken(text[7:], KEY_ID, TEAM, NOW)
    check = checker()
    assert (
        check.check(text, NOW)
        == check.check(text, NOW)
        == check.check(b"Bearer " + text[7:], NOW)
        == expected
    )


def test_the_sample():
    """A token that another program made is verified."""
    check = TokenCheck({KEY_ID: ProviderKey(SAMPLE_KEY.public_key())})
    assert check.check(b"bearer " + SAMPLE, 1437179036.0).team == TEAM
    assert refused(b"bearer " + SAMPLE[:-4] + b"AAAA", 1437179036.0, check) == "InvalidProviderToken"


@pytest.mark.parametrize("header", [None, b"", b"basic abc", b"bearer"])
def test_no_token(header):
    """No header, or one that is no bearer's, is no token."""
    assert refused(header) == "MissingProviderToken"


@pytest.mark.parametrize(
    "header",
    [
        b"bearer ", b"bearer x", b"bearer a.b.c", b"bearer \xff.\xff.\xff", b"bearer " + b"a" * 5000,
        bearer(key=OTHER),
        bearer(headers={"kid": "UNKNOWN123"}),
        b"bearer " + jwt.encode({"iss": TEAM, "iat": int(NOW)}, PRIVATE, "ES256").encode(),
        bearer({"iss": "OTHERTEAM1", "iat": int(NOW)}),
        bearer({"iss": 7, "iat": int(NOW)}),
        bearer({"iss": "", "iat": int(NOW)}),
        bearer({"iat": int(NOW)}),
        bearer({"iss": TEAM}),
        bearer({"iss": TEAM, "iat": "soon"}),
        bearer({"iss": TEAM, "iat": "9" * 30}),
        bearer({"iss": TEAM, "iat": "-5"}),
        bearer({"iss": TEAM, "iat": True}),
        bearer({"iss": TEAM, "iat": float("inf")}),
        bearer({"iss": TEAM, "iat": None}),
        bearer(key="secret" * 10, algorithm="HS256"),
        bearer(key=None, algorithm="none"),
    ],
)  # fmt: skip
def test_tokens_that_are_no_good(header):
    """Another key, key id, team or algorithm, claims that say nothing: one reason for all."""
    assert refused(header) == "InvalidProviderToken"


def test_a_key_of_any_team():
    """A key may belong to no particular team."""
    check = TokenCheck({KEY_ID: ProviderKey(PRIVATE.public_key())})
    assert check.check(bearer({"iss": "OTHERTEAM1", "iat": int(NOW)}), NOW).team == "OTHERTEAM1"


@pytest.mark.parametrize("iat", [int(NOW), NOW, str(int(NOW))])
def test_age(iat):
    """A token is good for an hour either way of the clock, whether the time is a number or digits."""
    header, check = bearer({"iss": TEAM, "iat": iat}), checker()
    for now in (NOW - 3600, NOW, NOW + 3600):
        assert check.check(header, now).issued_at == NOW
    for now in (NOW - 3601, NOW + 3601):
        assert refused(header, now, check) == "ExpiredProviderToken"
    assert refused(header, NOW + 11, checker(lifetime=10)) == "ExpiredProviderToken"


def test_signatures_are_remembered_within_bounds(monkeypatch):
    """A token's signature is verified once, and the oldest is forgotten first."""
    monkeypatch.setattr(token_check, "_MOST", 2)
    keys = {KEY_ID: ProviderKey(PRIVATE.public_key(), TEAM)}
    check = TokenCheck(keys)
    headers = [bearer({"iss": TEAM, "iat": int(NOW) + n}) for n in range(3)]
    for header in headers:
        check.check(header, NOW)
    keys.clear()
    assert check.check(headers[1], NOW)
    assert check.check(headers[2], NOW)
    assert refused(headers[0], NOW, check) == "InvalidProviderToken"


def pem(key, encryption=None):
    """A private key as Apple gives it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def test_keys():
    """A key is read from its public or its private form."""
    expected = PRIVATE.public_key().public_numbers()
    public = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert public_key(public).public_numbers() == public_key(pem(PRIVATE)).public_numbers() == expected


RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not a key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a key"),
        (pem(PRIVATE, BestAvailableEncryption(b"x")), "not a key in PEM without a password"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "another kind"),
        (pem(RSA), "another kind"),
        (RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "another kind"),
    ],
)
def test_files_without_a_key(content, fault):
    """A file without a P-256 key is reported in one line."""
    with pytest.raises(ValueError, match=fault):
        public_key(content)


@given(st.binary() | st.binary().map(lambda text: b"bearer " + text))
def test_nothing_else_is_raised(header):
    """Whatever comes is refused for a reason of Apple's."""
    assert refused(header) in {"MissingProviderToken", "InvalidProviderToken"}
