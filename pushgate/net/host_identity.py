"""The names that a certificate must have, and whether it has one of them."""

from typing import Final

import idna
from cryptography import x509
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import extract_patterns
from service_identity.hazmat import DNS_ID, IPAddress_ID, ServiceID, verify_service_identity
from twisted.internet.abstract import isIPAddress, isIPv6Address

from pushgate.model.host_name import is_host_name

MAX_NAMES: Final = 5
"""Names of a certificate that an error quotes at most."""
MAX_NAME: Final = 100
"""Characters of a name that an error quotes at most."""


class NotForHost(VerificationError):
    """A certificate of a trusted authority that does not name the host which was connected to.

    Its text is one line; what the certificate says is escaped in it.
    """

    def __init__(self, text: str) -> None:
        super().__init__(errors=[])
        self._text = text

    def __str__(self) -> str:
        return self._text


def host_identity(host: str) -> ServiceID:
    """What the certificate of a host must name.

    :raises ValueError: no certificate can be for `host`.
    """
    if isIPAddress(host) or isIPv6Address(host):
        return IPAddress_ID(host)
    name = host.removesuffix(".")
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode("ascii")
    if not is_host_name(name):
        raise ValueError(f"no host name: {ascii(host)[:MAX_NAME]}")
    return DNS_ID(name)


def verify_name(certificate: x509.Certificate, host: str, identity: ServiceID) -> None:
    """Check that a certificate is for a host.

    :raises NotForHost: it is not, or its names cannot be read.
    """
    try:
        verify_service_identity(extract_patterns(certificate), [identity], [])
    except VerificationError:
        raise NotForHost(f"the certificate is not for {host}, {_names(certificate)}") from None
    except (CertificateError, ValueError):
        raise NotForHost(
            f"the certificate is not for {host}: it has no name that can be verified, {_names(certificate)}"
        ) from None


def _names(certificate: x509.Certificate) -> str:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return "without a subjectAltName"
    names = [_quoted(str(each.value)) for each in extension.value]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"but for {', '.join(names[:MAX_NAMES]) or 'nothing'}{more}"


def _quoted(name: str) -> str:
    return ascii(name[:MAX_NAME])
