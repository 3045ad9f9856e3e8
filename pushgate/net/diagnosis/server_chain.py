"""The certificates that a server shows: looked at without trusting it, to name what is missing."""

from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from OpenSSL.crypto import X509
from OpenSSL.SSL import VERIFY_PEER, Connection
from service_identity.hazmat import DNS_ID
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from pushgate.model.finding import Finding, failure
from pushgate.model.printable import printable
from pushgate.net.host_identity import NotForHost, host_identity, verify_name

_KINDS: Final = {
    2: "issuer", 9: "dates", 10: "dates", 18: "self-signed", 19: "root", 20: "issuer", 21: "issuer",
}  # fmt: skip
"""What is wrong, by OpenSSL's X509_V_ERR_…."""
_MEANINGS: Final = {
    "dates": (
        "the certificate of {subject} holds from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}",
        "either it has expired, or this machine's clock is wrong",
        "compare date -u with the true time; else tell who runs the server",
    ),
    "self-signed": (
        "the server's certificate is signed by itself: {subject}",
        "no authority vouches for it, and it is none of {trusted}",
        "if the service is your own, add its certificate to the file of trust; else TLS is intercepted",
    ),
    "root": (
        "the root {subject} is none of {trusted}",
        "no trusted authority vouches for it: the file of trust is out of date, or a proxy intercepts TLS",
        "if this root is the service's, add it to the file of trust, in PEM; else ask who runs the proxy",
    ),
    "issuer": (
        "the issuer {issuer} is missing: the server does not send it, and it is none of {trusted}",
        "an intermediate is missing at the server, or a root in the file of trust",
        "add it to the file of trust, in PEM{source}",
    ),
    "chain": (
        "the chain cannot be verified at {subject}",
        "no trusted authority vouches for the server",
        "look at the chain below; check the file of trust",
    ),
}
"""What was found, what it means, what to do."""
_OTHER_HOST: Final = (
    "it is not the service that answers: the name leads elsewhere, or a proxy intercepts TLS",
    "check host, and the name servers; have the proxy leave this host alone",
)
"""The same of a certificate for another host."""


@implementer(IOpenSSLClientConnectionCreator)
class ChainLook:
    """TLS that takes any certificate and notes it. Shows none of its own; nothing may be written over it.

    :param trust: the authorities that the chain is judged by: a trust root of Twisted's.
    :ivar chain: the server's certificates, the leaf first, once the handshake has come so far.
    :ivar errors: what OpenSSL has against them: its number, and the certificate.
    """

    def __init__(self, host: str, trust: Any) -> None:
        self._identity = host_identity(host)
        self.chain: list[x509.Certificate] = []
        self.errors: list[tuple[int, x509.Certificate]] = []
        self._context = CertificateOptions(trustRoot=trust).getContext()
        self._context.set_verify(VERIFY_PEER, self._note)

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N803 - Twisted's
        """See `IOpenSSLClientConnectionCreator`."""
        connection = Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if isinstance(self._identity, DNS_ID):
            connection.set_tlsext_host_name(self._identity.hostname)
        return connection

    def _note(self, _: Connection, certificate: X509, error: int, depth: int, good: int) -> bool:
        """Called by OpenSSL for each certificate and error, from the top of the chain down."""
        found = certificate.to_cryptography()
        if found not in self.chain:
            self.chain.insert(0, found)
        if error:
            self.errors.append((error, found))
        return True


def chain_lines(chain: list[x509.Certificate]) -> list[str]:
    """A chain as ``openssl s_client`` shows it: subject and issuer of each certificate."""
    lines = []
    for depth, each in enumerate(chain):
        lines += [f"{depth} s:{name_of(each.subject)}", f"  i:{name_of(each.issuer)}"]
    return lines


def name_of(name: x509.Name) -> str:
    """A distinguished name in one printable line."""
    return printable(name.rfc4514_string()) or "(no name)"


def chain_findings(host: str, look: ChainLook, trusted: str, prefix: str = "") -> list[Finding]:
    """What is wrong with the certificates of a server, at least one finding.

    :param trusted: who is trusted, in words: ``"the system's authorities"``.
    """
    lines = chain_lines(look.chain)
    found = {_KINDS.get(number, "chain"): certificate for number, certificate in look.errors}
    findings = [_finding(kind, each, trusted, prefix, lines) for kind, each in found.items()]
    if look.chain:
        try:
            verify_name(look.chain[0], host, host_identity(host))
        except NotForHost as error:
            findings.append(failure(f"{prefix}server-name", str(error), *_OTHER_HOST, *lines))
    return findings or [_unexplained(trusted, prefix, lines)]


def _finding(kind: str, each: x509.Certificate, trusted: str, prefix: str, lines: list[str]) -> Finding:
    words = {
        "subject": name_of(each.subject),
        "issuer": name_of(each.issuer),
        "begins": each.not_valid_before_utc,
        "ends": each.not_valid_after_utc,
        "trusted": trusted,
        "source": _where_from(each),
    }
    what, meaning, advice = (text.format_map(words) for text in _MEANINGS[kind])
    return failure(f"{prefix}server-{kind}", what, meaning, advice, *lines)


def _where_from(certificate: x509.Certificate) -> str:
    """Where the issuer's certificate is to be had, as the certificate says itself."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    places = [
        printable(each.access_location.value)
        for each in access
        if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
    ]
    return f"; it is said to be at {places[0]}" if places else ""


def _unexplained(trusted: str, prefix: str, lines: list[str]) -> Finding:
    return failure(
        f"{prefix}server-chain", "the server's certificate could not be verified",
        f"the connection fails with {trusted}", "look at the chain below, and try again", *lines,
    )  # fmt: skip
