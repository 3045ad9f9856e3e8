"""A server with a certificate of a trusted authority that is for any names, and what it is sent."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.python.failure import Failure

from pushgate.simulator.certificates import Certificates

Names = Sequence[x509.GeneralName] | None


class _Conversation(Protocol):
    factory: "Impostor"

    def connectionMade(self) -> None:
        self.factory.connections += 1
        assert self.transport is not None
        self.transport.write(self.factory.greeting)

    def dataReceived(self, data: bytes) -> None:
        self.factory.received += data

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # no default
        self.factory.ended += 1


class Impostor(Factory):
    """Listens with TLS.

    :param greeting: what it sends at once.
    :ivar received: all that came through TLS.
    """

    noisy = False
    protocol = _Conversation

    def __init__(self, certificates: Certificates, names: Names, greeting: bytes = b"") -> None:
        self.certificates, self.greeting = certificates, greeting
        self.received, self.connections, self.ended = b"", 0, 0
        self._tls = PrivateCertificate.loadPEM(issue(certificates, names)).options()

    async def start(self, interface: str = "127.0.0.1") -> "Impostor":
        """Listen on a free port."""
        self._port = await SSL4ServerEndpoint(reactor, 0, self._tls, interface=interface).listen(self)
        self.port: int = self._port.getHost().port
        return self

    async def stop(self) -> None:
        """Listen no more."""
        await self._port.stopListening()


def issue(certificates: Certificates, names: Names) -> bytes:
    """A server's certificate and its key in PEM.

    :param names: its subjectAltName; it has none when this is None.
    """
    directory: Path = certificates.directory
    authority = x509.load_pem_x509_certificate(certificates.ca.read_bytes())
    authority_key: Any = load_pem_private_key((directory / "ca.key").read_bytes(), None)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    leaf = builder.sign(authority_key, SHA256())
    return leaf.public_bytes(Encoding.PEM) + key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
