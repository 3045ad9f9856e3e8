"""What an app shows to Apple, read from its files: a provider key, or a certificate with its topics."""

from functools import partial
from typing import Final

import msgspec

from pushgate.net.table_files import Identity, TableFiles
from pushgate.protocols.apns_http2.certificate_grants import grants
from pushgate.protocols.apns_http2.provider_token import AGES, parse_key, signed
from pushgate.protocols.apns_push_types import TYPES
from pushgate.protocols.http_push.token_clock import TokenClock
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.credentials import Credentials, of_identity
from pushgate.upstreams.common.http_push.authorization import Authorization, NoToken, Unauthorized
from pushgate.upstreams.common.http_push.renewed_tokens import RenewedTokens

ALPN: Final = (b"h2",)


class AppleCredential(msgspec.Struct, frozen=True):
    """What an app shows to Apple.

    :param tls: for the handshake.
    :param tokens: of a provider key; None with a certificate.
    :param topics: that a certificate lists; empty when it lists none, and with a provider key.
    """

    tls: Credentials
    tokens: TokenClock | None = None
    topics: frozenset[str] = frozenset()


class CertificateOnly(NoToken):
    """A certificate, which TLS has shown."""

    def refused(self, serial: int, reason: str, wall: float) -> Unauthorized:
        return Unauthorized(Cause.CREDENTIAL_REJECTED, f"{reason}, where a certificate was shown")


def authorization(credential: AppleCredential) -> Authorization:
    """How the requests of a credential are authenticated."""
    return CertificateOnly() if credential.tokens is None else RenewedTokens(credential.tokens)


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
        tokens = TokenClock(partial(signed, key, table.key_id, table.team_id), AGES)
        return AppleCredential(Credentials(trust, protocols=ALPN), tokens)
    assert table.certificate is not None
    identity = files.identity(table.certificate, table.private_key, table.password_file)
    if identity is not None and table.topic is not None:
        _check_topic(files, table, identity)
    files.check()
    assert identity is not None
    return AppleCredential(of_identity(identity, trust, ALPN), topics=frozenset(grants(identity.leaf).topics))


def _check_topic(files: TableFiles, table: ApnsHTTP2Table, identity: Identity) -> None:
    """Note a topic that the certificate does not have."""
    topics = grants(identity.leaf).topics
    assert table.certificate is not None
    wanted = {f"{table.topic}{each.suffix}" for each in TYPES.values()}
    if topics and wanted.isdisjoint(topics):
        known = ", ".join(sorted(topics))
        files.fault("topic", table.certificate, f"the certificate is not for it; its topics are {known}")
