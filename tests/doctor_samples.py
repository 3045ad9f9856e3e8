"""A folder of files that are not what they should be, and the apps that name them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugins.builtin import adm, apns_http2, apns_stream, fcm, hms, webpush
from pushgate.protocols.apns_http2.certificate_grants import DEVELOPMENT, PRODUCTION

TOPIC: Final = "com.example.news"
NOW: Final = datetime.now(UTC)
DAY: Final = timedelta(days=1)
SECRET: Final = "hush-the-secret-of-the-app"
PASSWORD: Final = b"hush-the-password"


def key() -> Any:
    """A key on P-256: quickly made."""
    return ec.generate_private_key(ec.SECP256R1())


def name(common: str) -> x509.Name:
    """A subject like Apple's."""
    uid = [x509.NameAttribute(NameOID.USER_ID, TOPIC)] if common == TOPIC else []
    return x509.Name([*uid, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def certificate(
    of: Any,
    *,
    common: str = TOPIC,
    begins: timedelta = -DAY,
    ends: timedelta = 365 * DAY,
    environment: x509.ObjectIdentifier = PRODUCTION,
    issuer: str = "Apple Worldwide Developer Relations",
    by: Any = None,
) -> x509.Certificate:
    """A push certificate with Apple's extension for an environment."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common)).issuer_name(name(issuer)).public_key(of.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begins).not_valid_after(NOW + ends)
        .add_extension(x509.UnrecognizedExtension(environment, b"\x05\x00"), critical=False)
    )  # fmt: skip
    return builder.sign(by or of, SHA256())


def pem(*things: Any, password: bytes | None = None) -> bytes:
    """Certificates, requests and keys in PEM."""
    how = s.BestAvailableEncryption(password) if password else s.NoEncryption()
    return b"".join(
        each.public_bytes(s.Encoding.PEM)
        if hasattr(each, "public_bytes")
        else each.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, how)
        for each in things
    )


@cache
def rsa_key(bits: int) -> Any:
    """An RSA key, which takes a while to make."""
    return rsa.generate_private_key(65537, bits)


def account(**changes: Any) -> bytes:
    """A service account's file."""
    content = {
        "type": "service_account", "project_id": "news-1", "client_email": "push@news-1.example",
        "private_key": pem(rsa_key(2048)).decode(), **changes,
    }  # fmt: skip
    return json.dumps({each: value for each, value in content.items() if value is not None}).encode()


def push_kit_account(**changes: Any) -> bytes:
    """A service account's file of Huawei's."""
    content = {
        "project_id": "388421841222199046", "key_id": "18366af0", "sub_account": "101783233",
        "private_key": pem(rsa_key(2048)).decode(), **changes,
    }  # fmt: skip
    return json.dumps({each: value for each, value in content.items() if value is not None}).encode()


class Samples:
    """Writes each file when its app is made.

    :ivar secrets: which no finding may hold.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key, self.other = key(), key()
        self.good = certificate(self.key)
        self.secrets: list[str] = [SECRET, PASSWORD.decode()]

    def file(self, name_: str, content: bytes, mode: int = 0o600) -> Path:
        """A new file."""
        path = self.directory / name_
        path.write_bytes(content)
        path.chmod(mode)
        self.secrets += [
            line.decode()
            for line in content.splitlines()
            if len(line) == 64 and line.isascii() and b"-" not in line
        ]
        return path

    def stream(self, content: bytes, name_: str = "push.pem", **keys: Any) -> tuple[UpstreamFactory, Any]:
        """An app on the binary stream, whose certificate's file has this content."""
        return apns_stream, {"certificate": self.file(name_, content), **keys}

    def apple(self, content: bytes, name_: str = "AuthKey_ABCDE12345.p8", **keys: Any) -> Any:
        """An app on HTTP/2 with a provider key."""
        common = {"team_id": "TEAM123456", "topic": TOPIC}
        return apns_http2, {"key_file": self.file(name_, content), **common, **keys}

    def google(self, content: bytes, **keys: Any) -> Any:
        """An app on FCM."""
        return fcm, {"service_account_file": self.file("account.json", content), **keys}

    def huawei(self, content: bytes) -> Any:
        """An app on version 3 of Push Kit."""
        return hms, {"service_account_file": self.file("huawei.json", content)}

    def amazon(self, content: bytes, **keys: Any) -> Any:
        """An app on ADM."""
        return adm, {"client_id": "c", "client_secret_file": self.file("secret", content), **keys}

    def browsers(self, content: bytes) -> Any:
        """An app on Web Push."""
        return webpush, {"vapid_key_file": self.file("vapid", content), "subject": "mailto:a@b.example"}

    def bundle(self, with_key: bool = True) -> bytes:
        """The certificate in PKCS #12."""
        own = self.key if with_key else None
        return serialize_key_and_certificates(
            b"push", own, self.good, None, s.BestAvailableEncryption(PASSWORD)
        )

    def issued(self, **terms: Any) -> bytes:
        """A certificate like the good one, with its key."""
        return pem(certificate(self.key, **terms), self.key)

    def chain(self) -> bytes:
        """The certificate with its issuer's, which has expired."""
        issuer = certificate(
            self.other,
            common="Apple Worldwide Developer Relations",
            ends=timedelta(hours=-1),
            begins=-9 * DAY,
        )
        return pem(certificate(self.key, by=self.other), issuer, self.key)

    def request(self) -> bytes:
        """A certificate signing request."""
        asked = x509.CertificateSigningRequestBuilder().subject_name(name(TOPIC)).sign(self.key, SHA256())
        return pem(asked, self.key)

    def all(self) -> dict[str, Callable[[], tuple[UpstreamFactory, dict[str, Any]]]]:
        """Each thing that may be wrong, and what makes the app."""
        return {**self._files(), **self._certificates(), **self._keys(), **self._others()}

    def _files(self) -> dict[str, Any]:
        good = pem(self.good, self.key)
        return {
            "all is well": lambda: self.stream(good),
            "no such file": lambda: (apns_stream, {"certificate": self.directory / "none.pem"}),
            "a directory": lambda: (apns_stream, {"certificate": self.directory}),
            "an empty file": lambda: self.stream(b"\n"),
            "every user may read it": lambda: (
                apns_stream,
                {"certificate": self.file("open.pem", good, 0o644)},
            ),
            "authorities: no certificate": lambda: self.stream(good, trust=self.file("ca.pem", b"none")),
            "authorities: one has expired": lambda: self.stream(
                good,
                trust=self.file(
                    "ca.pem", pem(certificate(self.other, ends=timedelta(hours=-1), begins=-9 * DAY))
                ),
            ),
        }

    def _certificates(self) -> dict[str, Any]:
        good = pem(self.good, self.key)
        return {
            "a request (CSR) in its place": lambda: self.stream(self.request()),
            "DER": lambda: self.stream(self.good.public_bytes(s.Encoding.DER)),
            "PEM, cut off": lambda: self.stream(good[:300]),
            "the key alone": lambda: self.stream(pem(self.key)),
            "something else": lambda: self.stream(b"hello\n"),
            "PKCS #12 under another name": lambda: self.stream(self.bundle()),
            "PKCS #12, wrong password": lambda: self.stream(
                self.bundle(), "push.p12", password_file=self.file("password", b"wrong\n")
            ),
            "PKCS #12 without the key": lambda: self.stream(
                self.bundle(False), "push.p12", password_file=self.file("password", PASSWORD)
            ),
            "has expired": lambda: self.stream(self.issued(begins=-9 * DAY, ends=-DAY)),
            "not valid yet": lambda: self.stream(self.issued(begins=DAY)),
            "ends in less than 30 days": lambda: self.stream(self.issued(ends=6 * DAY)),
            "of the sandbox, for production": lambda: self.stream(self.issued(environment=DEVELOPMENT)),
            "of another app": lambda: self.stream(good, topic="com.example.mail"),
            "the chain has an expired one": lambda: self.stream(self.chain()),
        }

    def _keys(self) -> dict[str, Any]:
        small = rsa_key(1024)
        locked = pem(self.good) + pem(self.key, password=PASSWORD)
        return {
            "the key of another certificate": lambda: self.stream(pem(self.good, self.other)),
            "no private key": lambda: self.stream(pem(self.good)),
            "the key has a password": lambda: self.stream(locked),
            "the key is damaged": lambda: self.stream(pem(self.good) + pem(self.key)[:80]),
            "an RSA key of 1024 bits": lambda: self.stream(pem(certificate(small), small)),
            "p8: no key": lambda: self.apple(b"hello\n"),
            "p8: not on P-256": lambda: self.apple(pem(ec.generate_private_key(ec.SECP384R1()))),
            "p8: of another key id": lambda: self.apple(pem(self.key), key_id="ZZZZZ12345"),
            "vapid: no key": lambda: self.browsers(b"hello\n"),
            "vapid: not on P-256": lambda: self.browsers(pem(ec.generate_private_key(ec.SECP384R1()))),
        }

    def _others(self) -> dict[str, Any]:
        return {
            "service account: no JSON": lambda: self.google(b"{"),
            "service account: another type": lambda: self.google(account(type="authorized_user")),
            "service account: no key": lambda: self.google(account(private_key=None)),
            "service account: a damaged key": lambda: self.google(account(private_key="-----BEGIN")),
            "service account: of another project": lambda: self.google(account(), project="mail-1"),
            "Push Kit's service account: no JSON": lambda: self.huawei(b"{"),
            "Push Kit's service account: Google's": lambda: self.huawei(account()),
            "Push Kit's service account: a damaged key": lambda: self.huawei(
                push_kit_account(private_key="-----BEGIN")
            ),
            "secret: UTF-16": lambda: self.amazon(SECRET.encode("utf-16")),
            "secret: blanks around it": lambda: self.amazon(f" {SECRET} \n".encode()),
        }
