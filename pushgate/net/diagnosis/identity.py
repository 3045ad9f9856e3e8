"""A certificate with its private key: every way in which the files are not what they should be."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from pushgate.model.printable import printable
from pushgate.net.certificate_formats import bundle_in, certificates_in, leaf_first, odd_kind, private_key_in
from pushgate.net.diagnosis.certificate_text import certificate_lines, request_lines
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.server_chain import name_of
from pushgate.net.table_files import Identity, refusal

DAY: Final = 86400.0
NOTICE: Final = 30
"""Days before the end of a certificate from which on there is a warning."""
_BUNDLES: Final = {".p12", ".pfx"}
_NO_START: Final = "a gateway does not start with it, and a reload changes nothing"
_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_SEQUENCE: Final = b"\x30"
"""What DER begins with: certificates, requests, keys and bundles."""


def check_identity(
    checks: FileChecks, certificate: Path, private_key: Path | None, password_file: Path | None
) -> Identity | None:
    """Look at the files of a certificate; None when they make none that TLS can use."""
    password = None if password_file is None else checks.password("password_file", password_file)
    if certificate.suffix.lower() in _BUNDLES:
        found = _bundle(checks, certificate, password)
    else:
        found = _pem(checks, certificate, private_key or certificate, password)
    if found is None:
        return None
    return _matching(checks, certificate, *found)


def check_dates(checks: FileChecks, leaf: x509.Certificate, renew: str) -> None:
    """Whether a certificate is valid now, and for how long.

    :param renew: how to get another one.
    """
    begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    left, when = (ends - checks.wall) / DAY, _time(ends)
    if begins > checks.wall:
        checks.fail(
            "certificate-not-yet-valid", f"the certificate is valid from {_time(begins)} on",
            "the service refuses it until then, or this machine's clock is wrong",
            "compare date -u with the true time",
        )  # fmt: skip
    elif left <= 0:
        what = f"the certificate expired at {when}, {-left:.1f} days ago"
        checks.fail("certificate-expired", what, "the service ends every connection", renew)
    elif left <= NOTICE:
        what = f"the certificate expires in {left:.1f} days, at {when}"
        checks.warn("certificate-expires", what, "after that the service ends every connection", renew)
    else:
        checks.well("certificate-expires", f"the certificate expires in {left:.0f} days, at {when}")


def _pem(
    checks: FileChecks, certificate: Path, key: Path, password: bytes | None
) -> tuple[list[x509.Certificate], Any] | None:
    data = checks.read("certificate", certificate, is_secret=key == certificate)
    if data is None:
        return None
    try:
        certificates = certificates_in(data)
    except ValueError as error:
        _not_a_certificate(checks, certificate, data, str(error))
        certificates = []
    if key != certificate:
        data = checks.read("private_key", key, is_secret=True)
    if data is None or (key == certificate and not certificates):
        return None
    try:
        found = private_key_in(data, password)
    except ValueError as error:
        _not_a_key(checks, key, data, password, str(error))
        return None
    return (certificates, found) if certificates else None


def _bundle(
    checks: FileChecks, path: Path, password: bytes | None
) -> tuple[list[x509.Certificate], Any] | None:
    data = checks.read("certificate", path, is_secret=True)
    if data is None:
        return None
    try:
        bundle = bundle_in(data, password)
    except ValueError as error:
        _not_a_bundle(checks, path, data, str(error))
        return None
    if bundle.cert is None or bundle.key is None:
        missing = "private key" if bundle.key is None else "certificate"
        checks.fail(
            "bundle-incomplete", f"certificate: {printable(path)}: PKCS #12 without a {missing}", _NO_START,
            "export it again from the keychain: the certificate, with the private key beneath it",
        )  # fmt: skip
        return None
    others = [each.certificate for each in bundle.additional_certs]
    return [bundle.cert.certificate, *others], bundle.key


def _not_a_bundle(checks: FileChecks, path: Path, data: bytes, why: str) -> None:
    if "cannot be opened" in why:
        checks.fail(
            "bundle-password", f"certificate: {printable(path)}: {why}", _NO_START,
            "put the password of the export into the file of password_file, on one line",
        )  # fmt: skip
    else:
        _not_a_certificate(checks, path, data, why)


def _matching(
    checks: FileChecks, path: Path, certificates: list[x509.Certificate], key: Any
) -> Identity | None:
    try:
        leaf, *chain = leaf_first(certificates, key)
    except ValueError:
        checks.fail(
            "private-key-match", "the private key does not belong to the certificate", _NO_START,
            "take the key that the certificate was requested with; openssl x509 -noout -pubkey and openssl "
            "pkey -pubout show the same for the two", *certificate_lines(certificates[0]),
        )  # fmt: skip
        return None
    lines = certificate_lines(leaf)
    if reason := odd_kind(leaf) or refusal(leaf, chain, key):
        checks.fail(
            "certificate-key-kind", f"certificate: {printable(path)}: TLS cannot use it: {reason}", _NO_START,
            "request another one, with an RSA key of 2048 bits", *lines,
        )  # fmt: skip
        return None
    checks.well("certificate", f"{printable(path)}: the certificate, and the key that belongs to it", *lines)
    _check_chain(checks, leaf, chain)
    return Identity(leaf, chain, key)


def _check_chain(checks: FileChecks, leaf: x509.Certificate, chain: list[x509.Certificate]) -> None:
    """Whether the certificates that lead to the authority are there, and valid."""
    over = [each for each in chain if each.not_valid_after_utc.timestamp() < checks.wall]
    if over:
        names = ", ".join(name_of(each.subject) for each in over)
        checks.warn(
            "certificate-chain-dates", f"a certificate of the chain has expired: {names}",
            "the service may not accept what stands on it",
            "replace it by the issuer's present one; Apple's are at www.apple.com/certificateauthority",
        )  # fmt: skip
    top = leaf
    for each in chain:
        if each.subject == top.issuer:
            top = each
    if top.subject == top.issuer:
        checks.well("certificate-chain", f"the chain is complete, up to {name_of(top.subject)}")
    else:
        checks.well(
            "certificate-chain",
            f"the chain ends before {name_of(top.issuer)}, which the service that issued it has itself",
        )


def _not_a_certificate(checks: FileChecks, path: Path, data: bytes, why: str) -> None:
    """Say what a file is in place of a certificate."""
    check, advice, lines = _what_it_is(data)
    checks.fail(check, f"certificate: {printable(path)}: {why}", _NO_START, advice, *lines)


def _what_it_is(data: bytes) -> tuple[str, str, list[str]]:
    """The check that fails with these bytes in place of a certificate, the advice, and the content."""
    request = _loaded(x509.load_pem_x509_csr, data) or _loaded(x509.load_der_x509_csr, data)
    if request is not None:
        advice = "give this request to Apple, and put the certificate here that comes back"
        return "certificate-request", advice, request_lines(request)
    if b"-----BEGIN CERTIFICATE REQUEST" in data or b"-----BEGIN NEW CERTIFICATE REQUEST" in data:
        return "certificate-request", "put the certificate here, not the request for it", []
    certificate = _loaded(x509.load_der_x509_certificate, data)
    if certificate is not None:
        advice = "make PEM of it: openssl x509 -inform der -in FILE -out FILE.pem"
        return "certificate-der", advice, certificate_lines(certificate)
    if b"-----BEGIN CERTIFICATE" in data or b"-----BEGIN X509 CERTIFICATE" in data:
        return "certificate-damaged", "copy it again, with the lines BEGIN and END and all between them", []
    if _KEY.search(data):
        return "certificate-missing", "add the certificate to the file, in PEM", []
    if data.startswith(_SEQUENCE):
        return "certificate-bundle", "if it is PKCS #12, give its file a name that ends in .p12", []
    return (
        "certificate-form",
        "put a certificate there, in PEM, or PKCS #12 with a name that ends in .p12",
        [],
    )


def _not_a_key(checks: FileChecks, path: Path, data: bytes, password: bytes | None, why: str) -> None:
    if not _KEY.search(data):
        check, advice = "private-key-missing", "add the private key in PEM, or set private_key"
    elif b"ENCRYPTED" in data or password is not None:
        check, advice = (
            "private-key-password",
            "set password_file to a file with the password of the key, on one line",
        )
    else:
        check, advice = (
            "private-key-damaged",
            "copy it again, with the lines BEGIN and END and all between them",
        )
    checks.fail(check, f"private_key: {printable(path)}: {why}", _NO_START, advice)


def _loaded(load: Any, data: bytes) -> Any:
    try:
        return load(data)
    except Exception:  # noqa: BLE001 - what is no certificate fails in many ways
        return None


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
