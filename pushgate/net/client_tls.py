"""TLS as a client: a connection is used only with the host that it was made to."""

from typing import Any
from weakref import ref

from OpenSSL.crypto import X509
from OpenSSL.SSL import VERIFY_FAIL_IF_NO_PEER_CERT, VERIFY_PEER, Connection, Context
from service_identity.hazmat import DNS_ID
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.ssl import Certificate, CertificateOptions, PrivateCertificate, platformTrust
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.net.host_identity import host_identity, verify_name


@implementer(IOpenSSLClientConnectionCreator)
class ClientTls:
    """Makes the TLS side of connections to one host, whose name is sent as SNI and verified.

    The name is checked inside the handshake, before the client's certificate or any byte of the protocol is
    sent. Twisted's `optionsForClientTLS` checks it too, but takes a certificate whose names cannot be read,
    or that has none, for one that matches: service-identity raises an error for it that is no
    `VerificationError`, which Twisted logs and then lets the handshake go on.

    :param host: a name or an IP address.
    :param trust: the authorities: a trust root of Twisted's; the system's when None.
    :param protocols: to offer by ALPN (RFC 7301), the best first.
    :raises ValueError: no certificate can be for `host`.
    """

    def __init__(
        self,
        host: str,
        trust: Any = None,
        certificate: PrivateCertificate | None = None,
        chain: tuple[Certificate, ...] = (),
        protocols: tuple[bytes, ...] = (),
    ) -> None:
        self._host, self._identity = host, host_identity(host)
        self._protocols = list(protocols)
        self._context = _context(trust or platformTrust(), certificate, chain)

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N803 - Twisted's
        """See `IOpenSSLClientConnectionCreator`."""
        connection = Connection(self._context, None)
        if isinstance(self._identity, DNS_ID):
            connection.set_tlsext_host_name(self._identity.hostname)
        if self._protocols:
            connection.set_alpn_protos(self._protocols)
        made_for = ref(tlsProtocol)

        def verify(_: Connection, certificate: X509, _error: int, depth: int, trusted: int) -> bool:
            if not trusted or depth:
                return bool(trusted)
            try:
                verify_name(certificate.to_cryptography(), self._host, self._identity)
            except Exception:  # noqa: BLE001 - whatever it is, the name was not verified
                protocol = made_for()
                assert protocol is not None
                protocol.failVerification(Failure())
                return False
            return True

        connection.set_verify(VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection


def _context(trust: Any, certificate: PrivateCertificate | None, chain: tuple[Certificate, ...]) -> Context:
    own: dict[str, Any] = {}
    if certificate is not None:
        own = {"privateKey": certificate.privateKey.original, "certificate": certificate.original}
    if chain:
        own["extraCertChain"] = [each.original for each in chain]
    context: Context = CertificateOptions(trustRoot=trust, **own).getContext()
    return context


def tls_endpoint(endpoint: IStreamClientEndpoint, tls: ClientTls) -> IStreamClientEndpoint:
    """An endpoint that speaks TLS over the connections of another one."""
    wrapped: IStreamClientEndpoint = wrapClientTLS(tls, endpoint)
    return wrapped
