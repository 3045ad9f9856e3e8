"""Provider tokens: what is in them, and when there is a new one."""

import base64

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_http2.provider_token import (
    is_identifier,
    key_id_in,
    parse_key,
    signed,
)

SECRET = base64.urlsafe_b64decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI=")
KEY = ec.derive_private_key(int.from_bytes(SECRET), ec.SECP256R1())
"""The key of RFC 7515, appendix A.3."""
VECTOR = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQzEyM0RFRkcifQ.eyJpc3MiOiJERUYxMjNHSElKIiwiaWF0IjoxNDM3MTc5MDM2fQ"
    ".DsvSgkxE3Olsjv2UQ_kVzPZi7Xgx81ZbYtdqr58sck_g_b33F6HN3NJZHdVRZsxAvMBnCAFDZbXtUg5P1NtVBg"
)
"""A token by that key, of Apple's identifiers."""


def pem(key, encryption=None, form=PrivateFormat.PKCS8):
    """A key as a file has it."""
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


class TestTokens:
    def test_a_token_is_as_apple_describes_it(self):
        """Header and claims are those of the vector, byte for byte: none more, in particular no ``typ``."""
        token = signed(KEY, "ABC123DEFG", "DEF123GHIJ", 1437179036)
        assert token.rpartition(".")[0] == VECTOR.rpartition(".")[0]
        assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "ABC123DEFG"}

    @pytest.mark.parametrize("token", [VECTOR, signed(KEY, "ABC123DEFG", "DEF123GHIJ", 1437179036)])
    def test_a_token_is_verified_by_the_public_key(self, token):
        """The signature is R and S, 64 bytes, as JWS has it; others' are verified by the same."""
        claims = jwt.decode(token, KEY.public_key(), algorithms=["ES256"])
        assert claims == {"iss": "DEF123GHIJ", "iat": 1437179036}
        assert len(token.rpartition(".")[2]) == 86


class TestKeys:
    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_a_key_on_p_256_is_taken(self, form):
        """As Apple gives it, or as OpenSSL writes it."""
        assert parse_key(pem(KEY, form=form)).private_numbers() == KEY.private_numbers()

    @pytest.mark.parametrize(
        "data",
        [
            pem(rsa.generate_private_key(65537, 2048)),
            pem(ec.generate_private_key(ec.SECP384R1())),
            pem(ec.generate_private_key(ec.SECP256K1())),
            pem(ed25519.Ed25519PrivateKey.generate()),
        ],
    )
    def test_other_keys_are_refused(self, data):
        """ES256 needs this curve."""
        with pytest.raises(ValueError, match=r"not on the curve P-256; take the \.p8 file of a key for APNs"):
            parse_key(data)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0\xff garbage",
            pem(KEY, BestAvailableEncryption(b"secret")),
            pem(KEY)[:60],
            pem(KEY).replace(b"A", b"!"),
            KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            b"-----BEGIN PRIVATE KEY-----\n"
            + base64.b64encode(bytes.fromhex("3010020100300b06072a864886f70d6363040000"))
            + b"\n-----END PRIVATE KEY-----\n",
            b"-----BEGIN PRIVATE KEY-----\n"
            + base64.b64encode(bytes.fromhex("301a020100301306072a8648ce3d020106082a8648ce3d0301630400"))
            + b"\n-----END PRIVATE KEY-----\n",
        ],
    )
    def test_what_is_no_readable_private_key_is_refused(self, data):
        """Encrypted, damaged, in DER, public, of an unknown kind: the message says what to do, and quotes nothing."""
        with pytest.raises(ValueError, match=r"holds no private key in PEM; take the \.p8 file") as caught:
            parse_key(data)
        assert caught.value.__cause__ is None

    @given(st.binary(max_size=200))
    def test_any_bytes_raise_nothing_else(self, data):
        """Whatever stands in the file."""
        with pytest.raises(ValueError, match="take the"):
            parse_key(b"-----BEGIN PRIVATE KEY-----\n" + data + b"\n-----END PRIVATE KEY-----\n")

    def test_the_key_id_is_in_the_name_of_the_file(self):
        """Unless it was renamed."""
        assert key_id_in("AuthKey_ABC123DEFG.p8") == "ABC123DEFG"
        for name in ("key.p8", "AuthKey_abc123defg.p8", "AuthKey_ABC123DEFG.p8.bak", "AuthKey_.p8"):
            assert key_id_in(name) is None

    def test_identifiers(self):
        """Ten capital letters and digits."""
        assert is_identifier("ABC123DEFG")
        assert not any(map(is_identifier, ("", "ABC123DEF", "ABC123DEFGH", "abc123defg", "ABC123DEFG\n")))
