"""The client certificate of an app, read from its files."""

from typing import Any

import msgspec
from twisted.internet.ssl import Certificate, PrivateCertificate

from pushgate.net.client_tls import ClientTls
from pushgate.net.table_files import TableFiles, twisted_certificate
from pushgate.upstreams.common.settings import ClientTlsTable


class Credentials(msgspec.Struct, frozen=True):
    """A client certificate with its key and chain, and the authorities to trust.

    :param expires: Unix seconds when the certificate's validity ends.
    :param begins: Unix seconds when it begins.
    """

    certificate: PrivateCertificate
    chain: tuple[Certificate, ...]
    trust: Any
    begins: float
    expires: float

    def tls(self, host: str) -> ClientTls:
        """TLS to `host`, whose name is verified and sent as SNI."""
        return ClientTls(host, self.trust, self.certificate, self.chain)


def load(app: str, table: ClientTlsTable) -> Credentials:
    """Read the files a configuration names.

    :raises CannotStart: with a line for each that cannot be used, which names app, key, file and reason.
    """
    files = TableFiles(f"apps.{app}")
    identity = files.identity(table.certificate, table.private_key, table.password_file)
    trust = files.trust(table.trust)
    files.check()
    assert identity is not None
    return Credentials(
        identity.twisted(),
        tuple(map(twisted_certificate, identity.chain)),
        trust,
        identity.leaf.not_valid_before_utc.timestamp(),
        identity.leaf.not_valid_after_utc.timestamp(),
    )
