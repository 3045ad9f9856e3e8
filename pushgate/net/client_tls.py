"""TLS as a client: a connection is used only with the host that it was made to."""

from typing import Any

from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate
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
        self._verified = b""
        self._context = _context(trust or platformTrust(), certificate, chain)
        # Once for all connections: a callback for each one costs a fifth of what making it costs.
        self._context.set_verify(VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, self._is_verified)

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N803 - Twisted's
        """See `IOpenSSLClientConnectionCreator`."""
        connection = Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if isinstance(self._identity, DNS_ID):
            connection.set_tlsext_host_name(self._identity.hostname)
        if self._protocols:
            connection.set_alpn_protos(self._protocols)
        return connection

    def _is_verified(
        self, connection: Connection, certificate: X509, _: int, depth: int, trusted: int
    ) -> bool:
        """Called by OpenSSL for each certificate of the chain, the leaf last."""
        if not trusted or depth:
            return bool(trusted)
        try:
            self._verify(certificate)
        except Exception:  # noqa: BLE001 - whatever it is, the name was not verified
            connection.get_app_data().failVerification(Failure())
            return False
        return True

    def _verify(self, certificate: X509) -> None:
        """Check that a certificate is for the host, unless it is the one that was found to be last.

        :raises NotForHost: it is not.
        """
        encoded = dump_certificate(FILETYPE_ASN1, certificate)
        if encoded != self._verified:
            verify_name(certificate.to_cryptography(), self._host, self._identity)
            self._verified = encoded


def _context(trust: Any, certificate: PrivateCertificate | None, chain: tuple[Certificate, ...]) -> Context:
    own: dict[str, Any] = {}
    if certificate is not None:
        own = {"privateKey": certificate.privateKey.original, "certificate": certificate.original}
    if chain:
        own["extraCertChain"] = [each.original for each in chain]
    context: Context = CertificateOptions(trustRoot=trust, **own).getContext()
    return context


def tls_endpoint(
    endpoint: IStreamClientEndpoint, tls: IOpenSSLClientConnectionCreator
) -> IStreamClientEndpoint:
    """An endpoint that speaks TLS over the connections of another one.

    :param tls: a `ClientTls`, but for looking at a server that is not to be trusted.
    """
    wrapped: IStreamClientEndpoint = wrapClientTLS(tls, endpoint)
    return wrapped
