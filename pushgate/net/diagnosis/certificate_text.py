"""Certificates, and requests for them, as ``openssl x509`` and ``openssl req`` show them."""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1

from pushgate.net.diagnosis.server_chain import name_of


def certificate_lines(certificate: x509.Certificate) -> list[str]:
    """Subject, issuer, dates, key and fingerprint."""
    fingerprint = certificate.fingerprint(SHA1()).hex(":").upper()  # noqa: S303 - as Keychain shows it
    return [
        f"subject={name_of(certificate.subject)}",
        f"issuer={name_of(certificate.issuer)}",
        f"notBefore={certificate.not_valid_before_utc:%b %e %H:%M:%S %Y} GMT",
        f"notAfter={certificate.not_valid_after_utc:%b %e %H:%M:%S %Y} GMT",
        f"key={key_text(certificate)}",
        f"SHA1={fingerprint}",
    ]


def request_lines(request: x509.CertificateSigningRequest) -> list[str]:
    """Subject and key of a request."""
    return ["Certificate Request:", f"subject={name_of(request.subject)}", f"key={key_text(request)}"]


def key_text(holder: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The kind of a public key: ``RSA, 2048 bits``."""
    try:
        key: Any = holder.public_key()
    except Exception:  # noqa: BLE001 - of a kind that cryptography does not know
        return "of a kind that is not known"
    if isinstance(key, RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    if isinstance(key, EllipticCurvePublicKey):
        return f"EC, {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey")
