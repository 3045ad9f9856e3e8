"""Service accounts, and what they sign."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.fcm.assertion import (
    LIFETIME,
    SCOPE,
    TOKEN_URI,
    assertion,
    parse_account,
)

KEY = rsa.generate_private_key(65537, 2048)


def pem(key):
    """A key as Google's file has it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


FILE = {
    "type": "service_account",
    "project_id": "news-1234",
    "private_key_id": "0123abcd",
    "private_key": pem(KEY),
    "client_email": "firebase-adminsdk@news-1234.iam.gserviceaccount.com",
    "client_id": "1",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token",
    "universe_domain": "googleapis.com",
}


def account(**changes):
    """The account in a file like Google's; None takes a field away."""
    file = {key: value for key, value in (FILE | changes).items() if value is not None}
    return parse_account(json.dumps(file).encode())


class TestFiles:
    def test_googles_file(self):
        """All that is needed is in it."""
        found = account()
        assert (found.project, found.email, found.key_id, found.token_uri) == (
            "news-1234", FILE["client_email"], "0123abcd", TOKEN_URI,
        )  # fmt: skip
        assert found.key.private_numbers() == KEY.private_numbers()

    def test_what_may_be_missing(self):
        """The id of the key, and the address of Google's own server; another's is taken as it is."""
        found = account(private_key_id=None, token_uri=None, project_id="example.com:news")
        assert (found.key_id, found.token_uri) == ("", TOKEN_URI)
        assert account(token_uri="https://localhost:8443/token").token_uri == "https://localhost:8443/token"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (
                {"type": None},
                'type must be "service_account": this is another kind of credential; take the JSON',
            ),
            ({"type": "authorized_user"}, "type must be"),
            ({"project_id": None}, "project_id is missing or cannot be one; take the JSON file"),
            ({"project_id": "a/b"}, "project_id is missing or cannot be one"),
            ({"client_email": ""}, "client_email is missing or cannot be one"),
            ({"client_email": "a\nb"}, "client_email is missing or cannot be one"),
            ({"private_key": None}, "private_key is no private key in PEM; take the JSON file"),
            ({"private_key": pem(KEY)[:200]}, "private_key is no private key in PEM"),
            ({"private_key": "\ud83d"}, "holds no JSON of a service account"),
            (
                {"private_key": pem(ec.generate_private_key(ec.SECP256R1()))},
                "private_key is no RSA key of 2048 bits",
            ),
            (
                {"private_key": pem(rsa.generate_private_key(65537, 1024))},
                "private_key is no RSA key of 2048 bits",
            ),
            ({"private_key": 5}, "holds no JSON of a service account"),
            ({"token_uri": "http://oauth2.googleapis.com/token"}, "token_uri must be an https address"),
            ({"token_uri": "https://"}, "token_uri must be"),
            ({"token_uri": "https://a b/"}, "token_uri must be"),
            ({"token_uri": "https://me@host/"}, "token_uri must be"),
            ({"token_uri": "https://host/?x"}, "token_uri must be"),
            ({"token_uri": "https://host:x/"}, "token_uri must be"),
            ({"token_uri": "https://host:0/"}, "token_uri must be"),
        ],
    )
    def test_what_is_wrong(self, changes, words):
        """In words for an operator, which quote nothing."""
        with pytest.raises(ValueError, match=r".") as caught:
            account(**changes)
        assert str(caught.value).startswith(words)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"type":"\xff"}'])
    def test_no_json(self, data):
        """Whatever file was named."""
        with pytest.raises(ValueError, match="holds no JSON of a service account; take the JSON file"):
            parse_account(data)

    @given(st.binary(max_size=100))
    def test_any_key(self, data):
        """Nothing else is raised."""
        text = (
            "-----BEGIN PRIVATE KEY-----\n"
            + base64.b64encode(data).decode()
            + "\n-----END PRIVATE KEY-----\n"
        )
        with pytest.raises(ValueError, match="private_key"):
            account(private_key=text)


def test_assertions():
    """RS256, and the claims that Google names; the audience is Google's whichever server is asked."""
    found = account(token_uri="https://localhost/token")
    text = assertion(found, 1_700_000_000)
    assert jwt.get_unverified_header(text) == {"alg": "RS256", "typ": "JWT", "kid": "0123abcd"}
    claims = jwt.decode(
        text, KEY.public_key(), algorithms=["RS256"], audience=TOKEN_URI, options={"verify_exp": False}
    )
    assert claims == {
        "iss": FILE["client_email"], "scope": SCOPE, "aud": TOKEN_URI,
        "iat": 1_700_000_000, "exp": 1_700_000_000 + LIFETIME,
    }  # fmt: skip
    assert "kid" not in jwt.get_unverified_header(assertion(account(private_key_id=None), 0))
