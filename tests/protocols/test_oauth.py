"""Access tokens of OAuth 2.0."""

from contextlib import suppress
from urllib.parse import parse_qs

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.oauth import (
    DEFAULT_LIFETIME,
    JWT_BEARER,
    LONGEST,
    MAX_TOKEN,
    SHORTEST,
    TokenGrant,
    TokenRefused,
    client_credentials,
    jwt_bearer,
    read_grant,
)


def body(**fields):
    """An answer."""
    return msgspec.json.encode(fields)


def refused(status, data, retry_after=None):
    """Why there is no token."""
    with pytest.raises(TokenRefused) as caught:
        read_grant(status, data, retry_after)
    return caught.value


def test_forms():
    """Everything in them is escaped, and scope is left out when there is none."""
    assert client_credentials("ms-app://s-1-15", "a&b=c+ ü", "notify.windows.com") == (
        b"grant_type=client_credentials&client_id=ms-app%3A%2F%2Fs-1-15&client_secret=a%26b%3Dc%2B+%C3%BC&scope=notify.windows.com"
    )
    assert "scope" not in parse_qs(client_credentials("i", "s").decode())
    assert parse_qs(jwt_bearer("a.b.c", "x y").decode()) == {
        "grant_type": [JWT_BEARER],
        "assertion": ["a.b.c"],
        "scope": ["x y"],
    }
    assert parse_qs(jwt_bearer("a.b.c").decode()) == {"grant_type": [JWT_BEARER], "assertion": ["a.b.c"]}


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [
        (3599, 3599.0), ("86400", 86400.0), (3599.5, 3599.5), (None, DEFAULT_LIFETIME), (True, DEFAULT_LIFETIME),
        ("soon", DEFAULT_LIFETIME), (-1, DEFAULT_LIFETIME), (0, DEFAULT_LIFETIME), ("0", DEFAULT_LIFETIME),
        (1, SHORTEST), (10**30, LONGEST), ([], DEFAULT_LIFETIME),
    ],
)  # fmt: skip
def test_lifetimes(lifetime, seconds):
    """Numbers and digits are read, within bounds; anything else is as if it were not there."""
    assert (
        read_grant(200, body(access_token="t", expires_in=lifetime, token_type="Bearer")).lifetime == seconds
    )


def test_a_token_is_in_no_log():
    """What shows a grant does not show its token."""
    grant = read_grant(200, body(access_token="secret"))
    assert grant == TokenGrant("secret", DEFAULT_LIFETIME)
    assert "secret" not in repr(grant)


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ü", "x" * (MAX_TOKEN + 1), 7, None])
def test_tokens_that_cannot_be_one(token):
    """What cannot stand in a header is none; that may pass, and is asked for again."""
    error = refused(200, body(access_token=token))
    assert not error.is_final
    assert "no access token" in str(error)


def test_kinds_of_token():
    """Only bearer tokens are of use."""
    assert "bearer" in str(refused(200, body(access_token="t", token_type="mac")))
    assert "bearer" in str(refused(200, body(access_token="t", token_type=7)))
    assert read_grant(200, body(access_token="x" * MAX_TOKEN, token_type="BEARER"))


@pytest.mark.parametrize(
    ("status", "final"),
    [(400, True), (401, True), (403, True), (404, False), (429, False), (500, False), (302, False)],
)
def test_refusals(status, final):
    """A wrong credential stays wrong; trouble passes. The words are printable."""
    error = refused(status, body(error="invalid_client", error_description="bad\nsecret"), 30.0)
    assert (error.status, error.error, error.description, error.retry_after) == (
        status,
        "invalid_client",
        "bad\\nsecret",
        30.0,
    )
    assert error.is_final is final
    assert str(error) == f"the token endpoint answered {status}, invalid_client: bad\\nsecret"


def test_refusals_without_words():
    """Nothing is needed but the status; numbers are words, too."""
    assert str(refused(503, b"<html>")) == "the token endpoint answered 503"
    assert refused(400, body(error=1101)).error == "1101"


@given(
    st.integers(100, 599),
    st.binary()
    | st.fixed_dictionaries(
        {},
        optional={
            "access_token": st.text(),
            "expires_in": st.floats() | st.integers(),
            "token_type": st.text(),
        },
    ).map(msgspec.json.encode),
)
def test_whatever_comes(status, data):
    """An answer is a grant or a refusal."""
    with suppress(TokenRefused):
        assert SHORTEST <= read_grant(status, data).lifetime <= LONGEST
