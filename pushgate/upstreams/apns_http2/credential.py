"""What an app shows to Apple, read from its files: a provider key, or a certificate with its topics."""

from functools import partial
from typing import Final

import msgspec
from cryptography import x509
from pyasn1.codec.der.decoder import decode
from pyasn1.error import PyAsn1Error
from pyasn1.type.char import UTF8String

from pushgate.net.table_files import Identity, TableFiles
from pushgate.protocols.apns_http2.provider_token import TokenClock, parse_key, signed
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.common.credentials import Credentials, of_identity

ALPN: Final = (b"h2",)
_TOPICS: Final = x509.ObjectIdentifier("1.2.840.113635.100.6.3.6")
"""Apple's extension that lists a certificate's topics: each, and then its kinds."""
_UID: Final = x509.ObjectIdentifier("0.9.2342.19200300.100.1.1")


class AppleCredential(msgspec.Struct, frozen=True):
    """What an app shows to Apple.

    :param tls: for the handshake.
    :param tokens: of a provider key; None with a certificate.
    :param topics: that a certificate lists; empty when it lists none, and with a provider key.
    """

    tls: Credentials
    tokens: TokenClock | None = None
    topics: frozenset[str] = frozenset()


def load(app: str, table: ApnsHTTP2Table) -> AppleCredential:
    """Read the files a configuration names.

    :raises CannotStart: with a line for each that cannot be used, which names app, key, file and reason.
    """
    files = TableFiles(f"apps.{app}")
    trust = files.trust(table.trust)
    if table.key_file is not None:
        key = files.parsed("key_file", table.key_file, parse_key)
        files.check()
        assert key is not None
        assert table.key_id is not None
        assert table.team_id is not None
        tokens = TokenClock(partial(signed, key, table.key_id, table.team_id))
        return AppleCredential(Credentials(trust, protocols=ALPN), tokens)
    assert table.certificate is not None
    identity = files.identity(table.certificate, table.private_key, table.password_file)
    if identity is not None and table.topic is not None:
        _check_topic(files, table, identity)
    files.check()
    assert identity is not None
    return AppleCredential(of_identity(identity, trust, ALPN), topics=topics_of(identity.leaf))


def topics_of(certificate: x509.Certificate) -> frozenset[str]:
    """The topics that Apple has put into a certificate: from its extension, or else its subject."""
    found: set[str] = set()
    for extension in certificate.extensions:
        if extension.oid == _TOPICS and isinstance(extension.value, x509.UnrecognizedExtension):
            found.update(_texts(extension.value.value))
    if not found:
        found.update(str(name.value) for name in certificate.subject.get_attributes_for_oid(_UID))
    return frozenset(found)


def _texts(der: bytes) -> list[str]:
    """The texts directly in a sequence; what says their kinds is in sequences of its own."""
    try:
        value, _ = decode(der)
    except PyAsn1Error:
        return []
    return [str(each) for each in value.values() if isinstance(each, UTF8String)]


def _check_topic(files: TableFiles, table: ApnsHTTP2Table, identity: Identity) -> None:
    """Note a topic that the certificate does not have."""
    topics = topics_of(identity.leaf)
    assert table.certificate is not None
    if topics and not any(topic.startswith(table.topic or "") for topic in topics):
        known = ", ".join(sorted(topics))
        files.fault("topic", table.certificate, f"the certificate is not for it; its topics are {known}")
