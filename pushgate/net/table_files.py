"""The files that a table of the configuration names for TLS: reading them, and every fault at once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from cryptography import x509
from OpenSSL.crypto import X509, PKey
from OpenSSL.SSL import TLS_METHOD, VERIFY_PEER, Connection, Error, SysCallError, WantReadError
from OpenSSL.SSL import Context as SslContext
from twisted.internet.ssl import (
    Certificate,
    KeyPair,
    PrivateCertificate,
    platformTrust,
    trustRootFromCertificates,
)

from pushgate.model.errors import CannotStart
from pushgate.model.text_file import secret_in
from pushgate.net.certificate_formats import bundle_in, certificates_in, leaf_first, odd_kind, private_key_in

_FLIGHTS: Final = 6
"""Times that each side of a handshake has something to say, at most."""
_BUNDLES: Final = {".p12", ".pfx"}
_T = TypeVar("_T")


class Identity(NamedTuple):
    """A certificate with the rest of its chain, and its private key."""

    leaf: x509.Certificate
    chain: list[x509.Certificate]
    key: Any

    def twisted(self) -> PrivateCertificate:
        """The certificate and the key, for Twisted."""
        pair = KeyPair(PKey.from_cryptography_key(self.key))
        made: PrivateCertificate = PrivateCertificate.fromCertificateAndKeyPair(
            twisted_certificate(self.leaf), pair
        )
        return made


class TableFiles:
    """Reads the files of one table.

    :param where: the table's key path.
    :ivar faults: of each file that cannot be used: key, path and reason in a line.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self.faults: list[str] = []

    def check(self) -> None:
        """Raise `CannotStart` when there was a fault."""
        if self.faults:
            raise CannotStart(self.faults)

    def fault(self, key: str, path: Path, reason: str) -> None:
        """Note what is wrong with a file."""
        self.faults.append(f"{self._where}.{key}: {path}: {reason}")

    def read(self, key: str, path: Path) -> bytes | None:
        """The content of a file, None after a fault."""
        try:
            return path.read_bytes()
        except OSError as error:
            self.fault(key, path, error.strerror or "cannot be read")
            return None

    def parsed(self, key: str, path: Path, parse: Callable[[bytes], _T]) -> _T | None:
        """What `parse` makes of the content of a file; None after a fault, such as a ValueError of it."""
        data = self.read(key, path)
        if data is None:
            return None
        try:
            return parse(data)
        except ValueError as error:
            self.fault(key, path, str(error))
            return None

    def certificates(self, key: str, path: Path) -> list[x509.Certificate]:
        """The certificates in a PEM file, none after a fault."""
        return self.parsed(key, path, certificates_in) or []

    def trust(self, path: Path | None) -> Any:
        """The authorities of the key `trust`, for Twisted: by default the system's."""
        if path is None:
            return platformTrust()
        found = self.certificates("trust", path)
        return trustRootFromCertificates([twisted_certificate(each) for each in found])

    def identity(
        self, certificate: Path, private_key: Path | None, password_file: Path | None = None
    ) -> Identity | None:
        """The certificate and private key, checked to be of use for TLS; None after a fault.

        :param certificate: PEM with the chain, in any order; or PKCS #12 by its suffix.
        :param private_key: PEM; in the certificate's file when None.
        """
        password = None if password_file is None else self.parsed("password_file", password_file, secret_in)
        if certificate.suffix.lower() in _BUNDLES:
            return self._bundle(certificate, password)
        certificates = self.certificates("certificate", certificate)
        where = private_key or certificate
        if where == certificate and not certificates:
            return None  # one file, one fault
        key = self.parsed("private_key", where, lambda data: private_key_in(data, password))
        return self._checked(certificate, certificates, "private_key", where, key)

    def _bundle(self, path: Path, password: bytes | None) -> Identity | None:
        bundle = self.parsed("certificate", path, lambda data: bundle_in(data, password))
        if bundle is None:
            return None
        if bundle.cert is None or bundle.key is None:
            self.fault("certificate", path, "must hold a certificate and its private key")
            return None
        certificates = [bundle.cert.certificate, *(each.certificate for each in bundle.additional_certs)]
        return self._checked(path, certificates, "certificate", path, bundle.key)

    def _checked(
        self, path: Path, certificates: Sequence[x509.Certificate], key_name: str, where: Path, key: Any
    ) -> Identity | None:
        if not certificates or key is None:
            return None
        try:
            leaf, *chain = leaf_first(certificates, key)
        except ValueError as error:
            self.fault(key_name, where, str(error))
            return None
        if reason := odd_kind(leaf) or refusal(leaf, chain, key):
            self.fault("certificate", path, f"TLS cannot use it: {reason}")
            return None
        return Identity(leaf, chain, key)


def twisted_certificate(certificate: x509.Certificate) -> Certificate:
    """A certificate, for Twisted."""
    return Certificate(X509.from_cryptography(certificate))


def refusal(leaf: x509.Certificate, chain: Sequence[x509.Certificate], key: Any) -> str | None:
    """Return why OpenSSL will not use a certificate, in its own words; None when it will.

    Some keys it refuses at once, some only in a handshake: this does one, in memory.
    """
    try:
        context = SslContext(TLS_METHOD)
        context.use_certificate(X509.from_cryptography(leaf))
        for each in chain:
            context.add_extra_chain_cert(X509.from_cryptography(each))
        context.use_privatekey(PKey.from_cryptography_key(key))
        context.check_privatekey()
        _shake_hands(context)
    except (Error, SysCallError) as error:
        reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
        return next((text for *_, text in reasons if text), "no reason given")
    except (TypeError, ValueError) as error:
        return str(error).partition("\n")[0]
    return None


def _shake_hands(context: SslContext) -> None:
    """Do a handshake in which both sides show the certificate of `context`; raise `Error`."""
    context.set_verify(VERIFY_PEER, lambda *_: True)
    server, client = Connection(context), Connection(context)
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(_FLIGHTS):
        for side, other in ((client, server), (server, client)):
            with suppress(WantReadError):
                side.do_handshake()
            with suppress(WantReadError):
                other.bio_write(side.bio_read(1 << 16))
