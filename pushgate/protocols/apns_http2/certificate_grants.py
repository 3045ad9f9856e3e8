"""What a push certificate is good for: topics and environments, out of Apple's extensions.

The extensions are those that "Communicating with APNs" (2018) lists; a certificate without a list of topics
is for the one that its subject names.
"""

from typing import Final

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID
from pyasn1.codec.der.decoder import decode
from pyasn1.error import PyAsn1Error
from pyasn1.type.char import UTF8String

DEVELOPMENT: Final = x509.ObjectIdentifier("1.2.840.113635.100.6.3.1")
PRODUCTION: Final = x509.ObjectIdentifier("1.2.840.113635.100.6.3.2")
TOPICS: Final = x509.ObjectIdentifier("1.2.840.113635.100.6.3.6")
"""Extensions: usable in an environment, and the topics: ``SEQUENCE {UTF8String, SEQUENCE of kinds, …}``."""


class CertificateGrants(msgspec.Struct, frozen=True):
    """What a certificate is good for.

    :param topics: those it names; none when it is no certificate of Apple's form.
    :param environments: ``sandbox``, ``production``; none when it does not say.
    """

    topics: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()


def grants(certificate: x509.Certificate) -> CertificateGrants:
    """What a certificate is good for."""
    found: dict[x509.ObjectIdentifier, bytes] = {}
    for each in certificate.extensions:
        if isinstance(each.value, x509.UnrecognizedExtension):
            found[each.oid] = each.value.value
    listed = tuple(_strings(found.get(TOPICS, b"")))
    named = ((DEVELOPMENT, "sandbox"), (PRODUCTION, "production"))
    return CertificateGrants(
        listed or _of_subject(certificate.subject), tuple(name for oid, name in named if oid in found)
    )


def _of_subject(subject: x509.Name) -> tuple[str, ...]:
    """The topic in the subject: its UID, or what stands behind a colon in its common name."""
    for each in subject.get_attributes_for_oid(NameOID.USER_ID):
        return (str(each.value),)
    for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        _, colon, topic = str(each.value).partition(": ")
        if colon:
            return (topic,)
    return ()


def _strings(encoded: bytes) -> list[str]:
    """The strings directly in a sequence of ASN.1; none when it cannot be read."""
    try:
        value, _ = decode(encoded)
        return [str(each) for each in value.values() if isinstance(each, UTF8String)]
    except (PyAsn1Error, AttributeError, UnicodeDecodeError):
        return []
