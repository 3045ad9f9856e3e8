"""Huawei's service accounts, and what they sign."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.hms.service_account import AUDIENCE, LIFETIME, parse_account, signed

KEY = rsa.generate_private_key(65537, 2048)


def pem(key):
    """A key as Huawei's file has it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


FILE = {
    "project_id": "388421841222199046",
    "key_id": "18366af0b4b44dd8bb4a77184d04704f",
    "private_key": pem(KEY),
    "sub_account": "101783233",
    "auth_uri": "https://oauth-login.cloud.huawei.com/oauth2/v3/authorize",
    "token_uri": "https://oauth-login.cloud.huawei.com/oauth2/v3/token",
    "auth_provider_cert_uri": "https://oauth-login.cloud.huawei.com/oauth2/v3/certs",
    "client_cert_uri": "https://oauth-login.cloud.huawei.com/oauth2/v3/x509?client_id=",
}


def account(**changes):
    """The account in a file like Huawei's; None takes a field away."""
    file = {key: value for key, value in (FILE | changes).items() if value is not None}
    return parse_account(json.dumps(file).encode())


def test_huaweis_file():
    """All that is needed is in it."""
    found = account()
    assert (found.project, found.key_id, found.sub_account) == (
        FILE["project_id"],
        FILE["key_id"],
        FILE["sub_account"],
    )
    assert found.key.private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *[
            ({name: wrong}, f"{name} is missing or cannot be one; take the JSON file as Huawei gave it")
            for name in ("project_id", "key_id", "sub_account")
            for wrong in (None, "", "a b", "x" * 256)
        ],
        ({"project_id": 5}, "holds no JSON of a service account; take the JSON file as Huawei gave it"),
        ({"private_key": None}, "private_key is no private key in PEM; take the JSON file"),
        ({"private_key": pem(KEY)[:200]}, "private_key is no private key in PEM"),
        ({"private_key": pem(ec.generate_private_key(ec.SECP256R1()))}, "private_key is no RSA key of 2048"),
        (
            {"private_key": pem(rsa.generate_private_key(65537, 1024))},
            "private_key is no RSA key of 2048 bits",
        ),
    ],
)
def test_what_is_wrong(changes, words):
    """In words for an operator, which quote nothing."""
    with pytest.raises(ValueError, match=r".") as caught:
        account(**changes)
    assert str(caught.value).startswith(words)
    assert caught.value.__cause__ is None


@given(st.binary(max_size=100) | st.sampled_from([b"[]", b"{}", b"[" * 100_000, b'{"key_id":"\xff"}']))
def test_any_file(data):
    """Whatever file was named: nothing else is raised."""
    with pytest.raises(ValueError, match="take the JSON file"):
        parse_account(data)


def test_what_it_signs():
    """PS256, with a salt as long as the hash, and the claims of Huawei's examples."""
    text = signed(account(token_uri="https://localhost/token"), 1_700_000_000)
    assert jwt.get_unverified_header(text) == {"alg": "PS256", "typ": "JWT", "kid": FILE["key_id"]}
    claims = jwt.decode(
        text, KEY.public_key(), algorithms=["PS256"], audience=AUDIENCE, options={"verify_exp": False}
    )
    assert claims == {
        "iss": FILE["sub_account"], "aud": AUDIENCE, "iat": 1_700_000_000, "exp": 1_700_000_000 + LIFETIME,
    }  # fmt: skip
    with pytest.raises(jwt.PyJWTError):
        jwt.decode(text, rsa.generate_private_key(65537, 2048).public_key(), algorithms=["PS256"])
