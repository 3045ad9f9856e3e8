"""What a push certificate is good for."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_http2.certificate_grants import (
    DEVELOPMENT,
    PRODUCTION,
    TOPICS,
    CertificateGrants,
    grants,
)

KEY = ec.generate_private_key(ec.SECP256R1())
NULL = b"\x05\x00"


def der(tag, *contents):
    """An element of ASN.1."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes(2, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def topics(*names):
    """The list of topics as Apple has it: each topic, then its kinds."""
    parts = [der(0x0C, name.encode()) + der(0x30, der(0x0C, b"app")) for name in names]
    return der(0x30, *parts)


def made(subject=(), **extensions):
    """A certificate; extensions are named by their last number."""
    oids = {"development": DEVELOPMENT, "production": PRODUCTION, "topics": TOPICS}
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, now, now.replace(year=2027))
    builder = builder.add_extension(x509.BasicConstraints(False, None), True)
    for each, value in extensions.items():
        builder = builder.add_extension(x509.UnrecognizedExtension(oids[each], value), False)
    return builder.sign(KEY, hashes.SHA256())


def test_a_list_of_topics():
    """The list wins over the subject; both environments of a universal certificate are seen."""
    certificate = made(
        [(NameOID.USER_ID, "com.example.news")],
        topics=topics("com.example.news", "com.example.news.voip", "x" * 200),
        development=NULL,
        production=NULL,
    )
    assert grants(certificate) == CertificateGrants(
        ("com.example.news", "com.example.news.voip", "x" * 200), ("sandbox", "production")
    )


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ([(NameOID.USER_ID, "com.apple.mgmt.External.1"), (NameOID.COMMON_NAME, "APSP:1")],
         ("com.apple.mgmt.External.1",)),
        ([(NameOID.COMMON_NAME, "Apple Push Services: com.example.news")], ("com.example.news",)),
        ([(NameOID.COMMON_NAME, "com.example.demo")], ()),
        ([], ()),
    ],
)  # fmt: skip
def test_the_topic_of_the_subject(subject, expected):
    """Without a list it is the UID, or what the common name says behind its colon."""
    assert grants(made(subject)) == CertificateGrants(expected)


def test_one_environment():
    """A certificate may be for one environment."""
    assert grants(made(production=NULL)).environments == ("production",)
    assert grants(made(development=NULL)).environments == ("sandbox",)


@pytest.mark.parametrize(
    "value", [b"", b"\x30", b"\x30\x05\x0c", b"\x0c\x01a", b"\x30\x03\x0c\x01\xff", b"\x30\x84", NULL * 2]
)
def test_lists_that_cannot_be_read(value):
    """A list that is none names no topic."""
    assert grants(made(topics=value)).topics == ()


@given(st.binary(max_size=30))
def test_nothing_is_raised(value):
    """Whatever a certificate holds, it is looked at."""
    assert isinstance(grants(made(topics=value)).topics, tuple)
