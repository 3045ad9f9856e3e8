"""What an app shows to its push service, and whom it trusts."""

from typing import Any

import msgspec
from twisted.internet.ssl import Certificate, PrivateCertificate

from pushgate.net.client_tls import ClientTls
from pushgate.net.table_files import Identity, twisted_certificate


class Credentials(msgspec.Struct, frozen=True):
    """The authorities to trust, and a client certificate with its key and chain where there is one.

    :param begins: Unix seconds when the certificate's validity begins.
    :param expires: Unix seconds when it ends.
    :param protocols: to offer by ALPN.
    """

    trust: Any
    certificate: PrivateCertificate | None = None
    chain: tuple[Certificate, ...] = ()
    begins: float = float("-inf")
    expires: float = float("inf")
    protocols: tuple[bytes, ...] = ()

    def tls(self, host: str) -> ClientTls:
        """TLS to `host`, whose name is verified and sent as SNI."""
        return ClientTls(host, self.trust, self.certificate, self.chain, self.protocols)


def of_identity(identity: Identity, trust: Any, protocols: tuple[bytes, ...] = ()) -> Credentials:
    """The credentials that a certificate makes."""
    return Credentials(
        trust,
        identity.twisted(),
        tuple(map(twisted_certificate, identity.chain)),
        identity.leaf.not_valid_before_utc.timestamp(),
        identity.leaf.not_valid_after_utc.timestamp(),
        protocols,
    )
