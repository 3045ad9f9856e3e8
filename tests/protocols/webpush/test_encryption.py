"""Encryption for one browser: the vector of RFC 8291, and what another library reads."""

import http_ece
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgate.protocols.webpush.encryption import MAX_PLAINTEXT, encrypt
from tests.protocols.webpush.browsers import AUTH, KEY, data, key, point


def private(text):
    """A private key from its number in base64url."""
    return key(int.from_bytes(data(text), "big"))


def test_the_vector_of_the_rfc():
    """RFC 8291 5, byte for byte."""
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        point(private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")),
        data("BTBZMqHH6r4Tts7J_aSIgg"),
        private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        data("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert body == data(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
        "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@settings(max_examples=50)
@given(
    st.binary(max_size=200),
    st.integers(1, 2**255),
    st.integers(1, 2**255),
    st.binary(min_size=32, max_size=32),
)
def test_another_library_reads_it(plaintext, sender, receiver, secrets):
    """Whatever the message and the keys are."""
    browser, auth, salt = key(receiver), secrets[:16], secrets[16:]
    body = encrypt(plaintext, point(browser), auth, key(sender), salt)
    assert len(body) == len(plaintext) + 103
    assert http_ece.decrypt(body, private_key=browser, auth_secret=auth, version="aes128gcm") == plaintext


def test_the_largest_message():
    """It just fits into what every service takes."""
    body = encrypt(b"x" * MAX_PLAINTEXT, point(KEY), AUTH, key(5), bytes(16))
    assert len(body) == 4096
    found = http_ece.decrypt(body, private_key=KEY, auth_secret=AUTH, version="aes128gcm")
    assert found == b"x" * MAX_PLAINTEXT


def test_what_is_no_key():
    """It was told at the input."""
    with pytest.raises(ValueError, match=r"."):
        encrypt(b"x", b"\x04" + bytes(64), AUTH, KEY, bytes(16))
