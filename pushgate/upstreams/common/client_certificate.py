"""The client certificate of an app, read from its files."""

from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)  # fmt: skip
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from twisted.internet.ssl import (
    Certificate,
    KeyPair,
    PrivateCertificate,
    platformTrust,
    trustRootFromCertificates,
)  # fmt: skip

from pushgate.model.errors import CannotStart
from pushgate.net.client_tls import ClientTls
from pushgate.upstreams.common.settings import ClientTlsTable


class Credentials(msgspec.Struct, frozen=True):
    """A client certificate with its key and chain, and the authorities to trust.

    :param expires: Unix seconds when the certificate's validity ends.
    :param begins: Unix seconds when it begins.
    """

    certificate: PrivateCertificate
    chain: tuple[Certificate, ...]
    trust: Any
    begins: float
    expires: float

    def tls(self, host: str) -> ClientTls:
        """TLS to `host`, whose name is verified and sent as SNI."""
        return ClientTls(host, self.trust, self.certificate, self.chain)


def load(app: str, table: ClientTlsTable) -> Credentials:
    """Read the files a configuration names.

    :raises CannotStart: with one line that names app, file and reason.
    """
    leaf, chain, key = _client(app, table)
    if leaf.public_key() != key.public_key():
        where = table.private_key or table.certificate
        raise _fault(app, "private_key", where, "does not belong to the certificate")
    pair = KeyPair.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return Credentials(
        PrivateCertificate.fromCertificateAndKeyPair(_twisted(leaf), pair),
        tuple(map(_twisted, chain)),
        _trust(app, table.trust),
        leaf.not_valid_before_utc.timestamp(),
        leaf.not_valid_after_utc.timestamp(),
    )


def _client(app: str, table: ClientTlsTable) -> tuple[x509.Certificate, list[x509.Certificate], Any]:
    """Certificate, chain and private key."""
    password = _read(app, "password_file", table.password_file).strip() if table.password_file else None
    data = _read(app, "certificate", table.certificate)
    if table.certificate.suffix in {".p12", ".pfx"}:
        return _pkcs12(app, table.certificate, data, password)
    leaf, *chain = _certificates(app, "certificate", table.certificate, data)
    where = table.private_key or table.certificate
    key_data = _read(app, "private_key", where)
    try:
        key = load_pem_private_key(key_data, password)
    except (ValueError, TypeError) as error:
        raise _fault(
            app, "private_key", where, f"no usable private key in PEM ({_first_line(error)})"
        ) from None
    return leaf, chain, key


def _pkcs12(
    app: str, path: Path, data: bytes, password: bytes | None
) -> tuple[x509.Certificate, list[x509.Certificate], Any]:
    try:
        bundle = load_pkcs12(data, password)
    except ValueError:
        raise _fault(app, "certificate", path, "not PKCS #12, or the password is wrong") from None
    if bundle.cert is None or bundle.key is None:
        raise _fault(app, "certificate", path, "must hold a certificate and its private key")
    return bundle.cert.certificate, [extra.certificate for extra in bundle.additional_certs], bundle.key


def _trust(app: str, path: Path | None) -> Any:
    if path is None:
        return platformTrust()
    roots = _certificates(app, "trust", path, _read(app, "trust", path))
    return trustRootFromCertificates(map(_twisted, roots))


def _certificates(app: str, key: str, path: Path, data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise _fault(app, key, path, "no certificate in PEM") from None


def _twisted(certificate: x509.Certificate) -> Certificate:
    return Certificate.load(certificate.public_bytes(Encoding.DER))


def _read(app: str, key: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _fault(app, key, path, error.strerror or "cannot be read") from None


def _fault(app: str, key: str, path: Path, reason: str) -> CannotStart:
    return CannotStart([f"apps.{app}.{key}: {path}: {reason}"])


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")[:120]
