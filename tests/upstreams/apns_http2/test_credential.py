"""The credential of an app, from its table and its files: each fault in one line that says what to do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from pushgate.model.errors import CannotStart
from pushgate.protocols.apns_http2.certificate_grants import TOPICS
from pushgate.upstreams.apns_http2.credential import load
from pushgate.upstreams.apns_http2.settings import HOSTS, ApnsHTTP2Table

TEAM, TOPIC = "DEF123GHIJ", "com.example.news"
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def table(**keys: object) -> ApnsHTTP2Table:
    """A table; a provider key unless it has another credential."""
    return ApnsHTTP2Table.model_validate({"upstream": "apns-http2", **keys})


def p8(path: Path, key: PrivateKey, encryption: KeySerializationEncryption | None = None) -> Path:
    """A key in a file."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    path.write_bytes(pem)
    return path


def certificate(path: Path, topics: bytes | None = None, uid: str = TOPIC) -> Path:
    """A certificate of Apple's kind with its key.

    :param topics: its extension, in DER.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.USER_ID, uid)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(30))
    )  # fmt: skip
    if topics is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(TOPICS, topics), critical=False)
    made = builder.sign(key, SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + pem)
    return path


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({}, "must have either key_file or certificate"),
        ({"key_file": "x.p8", "certificate": "x.pem"}, "must have either key_file or certificate"),
        ({"key_file": "x.p8", "team_id": TEAM, "topic": TOPIC}, "must have key_id: the file's name"),
        ({"key_file": "AuthKey_ABC123DEFG.p8", "topic": TOPIC}, "must have team_id"),
        ({"key_file": "AuthKey_ABC123DEFG.p8", "team_id": TEAM}, "must have topic, the bundle id"),
        ({"key_file": "x.p8", "key_id": "abc", "team_id": TEAM, "topic": TOPIC}, "must be 10 characters"),
        (
            {"key_file": "x.p8", "key_id": "ABC123DEFG", "team_id": "x", "topic": TOPIC},
            "must be 10 characters",
        ),
        ({"certificate": "x.pem", "push_types": ["alarm"]}, "must be one of alert, background"),
    ],
)
def test_tables(keys: dict[str, object], rule: str) -> None:
    """What the table itself shows to be wrong."""
    with pytest.raises(ValidationError, match=rule):
        table(**keys)


def test_defaults() -> None:
    """The key id stands in the name that Apple gives the file; the host is the environment's."""
    found = table(key_file="/etc/AuthKey_ABC123DEFG.p8", team_id=TEAM, topic=TOPIC)
    assert (found.key_id, found.host, found.port) == ("ABC123DEFG", HOSTS["production"], 443)
    assert table(certificate="x.pem", environment="sandbox").host == HOSTS["sandbox"]
    given = table(key_file="AuthKey_ABC123DEFG.p8", key_id="ZZZ123DEFG", team_id=TEAM, topic=TOPIC, host="h")
    assert (given.key_id, given.host) == ("ZZZ123DEFG", "h")


def test_a_kind_of_payload_that_an_app_does_not_have() -> None:
    """An app that names its push types has them, and every file that it names is known."""
    found = table(certificate="x.pem", push_types=["background", "voip"], trust="ca.pem")
    assert found.push_types == ["background", "voip"]
    assert set(found.files()) == {"certificate", "trust"}


def test_not_even_a_table() -> None:
    """What is no table is refused like any other."""
    with pytest.raises(ValidationError, match="dictionary"):
        ApnsHTTP2Table.model_validate(["apns-http2"])


def test_a_key(tmp_path: Path) -> None:
    """The provider tokens are signed with it, and ALPN offers h2."""
    file = p8(tmp_path / "AuthKey_ABC123DEFG.p8", ec.generate_private_key(ec.SECP256R1()))
    credential = load("news", table(key_file=str(file), team_id=TEAM, topic=TOPIC))
    assert credential.tokens is not None
    assert credential.tokens.authorization(1_700_000_000.0).startswith(b"bearer ey")
    assert credential.tls.protocols == (b"h2",)
    assert credential.tls.certificate is None


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: p8(path, rsa.generate_private_key(65537, 2048)), "the key is not on the curve P-256"),
        (lambda path: p8(path, ec.generate_private_key(ec.SECP384R1())), "the key is not on the curve P-256"),
        (
            lambda path: p8(path, ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")),
            "take the .p8 file of a key for APNs as Apple gave it",
        ),
        (lambda path: path.write_text("garbage"), "holds no private key in PEM"),
        (lambda path: None, "No such file or directory"),
    ],
)
def test_files_that_hold_no_key(tmp_path: Path, write: Callable[[Path], object], reason: str) -> None:
    """One line: the key of the table, the file, what is wrong with it and what to do."""
    file = tmp_path / "AuthKey_ABC123DEFG.p8"
    write(file)
    with pytest.raises(CannotStart) as failure:
        load("news", table(key_file=str(file), team_id=TEAM, topic=TOPIC))
    (line,) = failure.value.faults
    assert line.startswith(f"apps.news.key_file: {file}: ")
    assert reason in line


def test_topics_of_a_certificate(tmp_path: Path) -> None:
    """Apple's extension lists them, each before its kinds; the subject has one where there is no list."""
    listed = b"\x30\x1c\x0c\x05a.one\x30\x05\x0c\x03app\x0c\x05a.two\x30\x05\x0c\x03app"
    found = load("news", table(certificate=str(certificate(tmp_path / "a.pem", listed))))
    assert (found.topics, found.tokens) == ({"a.one", "a.two"}, None)
    assert load("news", table(certificate=str(certificate(tmp_path / "b.pem")))).topics == {TOPIC}


def test_a_topic_that_the_certificate_does_not_have(tmp_path: Path) -> None:
    """Found at the start, with those that it has."""
    file = certificate(tmp_path / "a.pem")
    assert load("news", table(certificate=str(file), topic=TOPIC)).topics == {TOPIC}
    for other in ("com.example.other", TOPIC[:-1], TOPIC.rpartition(".")[0], f"{TOPIC}.voip"):
        with pytest.raises(CannotStart) as failure:
            load("news", table(certificate=str(file), topic=other))
        assert failure.value.faults == [
            f"apps.news.topic: {file}: the certificate is not for it; its topics are {TOPIC}"
        ]


def test_the_topic_of_a_certificate_that_lists_only_another_kind(tmp_path: Path) -> None:
    """A certificate for VoIP lists the topic with its suffix alone: it is for the app all the same."""
    listed = b"\x30\x14\x0c\x0aa.one.voip\x30\x06\x0c\x04voip"
    file = certificate(tmp_path / "a.pem", listed)
    assert load("news", table(certificate=str(file), topic="a.one")).topics == {"a.one.voip"}
