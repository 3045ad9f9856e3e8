"""Throw-away certificates: an authority, the push service's and a provider's, kept as PEM files.

For tests and trials only: the authority's private key lies beside the certificates, so nothing that trusts
`ca.pem` is protected by it.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
)

from pushgate.model.errors import CannotStart

_ORGANIZATION: Final = "pushgate simulator, throw-away"
_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
REAL_HOSTS: Final = (
    "fcm.googleapis.com", "oauth2.googleapis.com", "accounts.google.com", "iid.googleapis.com",
    "updates.push.services.mozilla.com", "*.notify.windows.com", "login.live.com",
    "login.microsoftonline.com", "api.amazon.com", "push-api.cloud.huawei.com",
    "oauth-login.cloud.huawei.com", "api.tuisong.baidu.com", "*.notify.live.net", "api.xmpush.xiaomi.com",
)  # fmt: skip
"""Of the services other than Apple's: for clients that know no other address, whose names are mapped here."""
_VALID_FOR: Final = timedelta(days=365)
_RENEW_BEFORE: Final = timedelta(days=1)


class Certificates:
    """A directory with `ca.pem`, `server.pem` and `client.pem`; the last two hold their private keys too.

    :ivar ca: the authority's certificate; what a client of the simulator trusts.
    :ivar client: a provider's certificate and its key in one file; what a client presents.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory = directory.absolute()
        self.ca = directory / "ca.pem"
        self.server = directory / "server.pem"
        self.client = directory / "client.pem"
        self._ca_key = directory / "ca.key"

    @classmethod
    def in_directory(cls, directory: Path, now: datetime | None = None) -> Self:
        """The certificates in `directory`; made anew when one is missing, unreadable or about to expire.

        :param now: the time to judge by, with its zone; the current one by default.
        :raises CannotStart: when the directory cannot be written.
        """
        certificates = cls(directory)
        now = now or datetime.now(UTC)
        try:
            if not certificates._usable(now):
                certificates._make(now)
        except OSError as error:
            where = error.filename or directory
            raise CannotStart(
                [f"simulator.state_dir: {where}: {error.strerror}; must be a writable directory"]
            ) from None
        return certificates

    def issue_client(
        self,
        file: str,
        *,
        name: str = "com.example.demo",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Path:
        """Write one more client certificate with its key, under the name `file`; an expired one if so asked.

        :param name: the certificate's common name. ``Apple Push Services: TOPIC`` ties it to a topic.
        """
        now = datetime.now(UTC)
        authority = trustme.CA.from_pem(self.ca.read_bytes(), self._ca_key.read_bytes())
        leaf = authority.issue_cert(
            common_name=name,
            organization_name=_ORGANIZATION,
            not_before=not_before or now - _RENEW_BEFORE,
            not_after=not_after or now + _VALID_FOR,
        )
        path = self.directory / file
        write_private(path, leaf.private_key_and_cert_chain_pem.bytes())
        return path

    def issue_expired_client(self, file: str = "expired.pem") -> Path:
        """Write a client certificate that was valid until yesterday."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self.issue_client(file, not_before=yesterday - _VALID_FOR, not_after=yesterday)

    def server_options(
        self, requires_client: bool = True, protocols: Sequence[bytes] | None = None
    ) -> CertificateOptions:
        """TLS for the service's side: `server.pem`, and a client certificate of the same CA.

        :param requires_client: a client without a certificate is refused.
        :param protocols: for ALPN; a client that offers none of them, or does not speak it, is served too.
        """
        own = PrivateCertificate.loadPEM(self.server.read_bytes())
        return CertificateOptions(
            privateKey=own.privateKey.original,
            certificate=own.original,
            verify=True,
            caCerts=[Certificate.loadPEM(self.ca.read_bytes()).original],
            requireCertificate=requires_client,
            acceptableProtocols=protocols,
        )

    def service_options(self) -> CertificateOptions:
        """TLS for the services other than Apple's: no client certificate, and their real names too."""
        now = datetime.now(UTC)
        authority = trustme.CA.from_pem(self.ca.read_bytes(), self._ca_key.read_bytes())
        leaf = authority.issue_cert(
            *_HOSTS, *REAL_HOSTS, organization_name=_ORGANIZATION,
            not_before=now - _RENEW_BEFORE, not_after=now + _VALID_FOR,
        )  # fmt: skip
        own = PrivateCertificate.loadPEM(leaf.private_key_and_cert_chain_pem.bytes())
        return CertificateOptions(
            privateKey=own.privateKey.original,
            certificate=own.original,
            acceptableProtocols=[b"h2", b"http/1.1"],
        )

    def _usable(self, now: datetime) -> bool:
        if not all(path.exists() for path in (self.ca, self._ca_key, self.server, self.client)):
            return False
        try:
            ca, server, client = (
                x509.load_pem_x509_certificate(path.read_bytes())
                for path in (self.ca, self.server, self.client)
            )
            server.verify_directly_issued_by(ca)
            client.verify_directly_issued_by(ca)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return all(
            each.not_valid_before_utc <= now < each.not_valid_after_utc - _RENEW_BEFORE
            for each in (ca, server, client)
        )

    def _make(self, now: datetime) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = trustme.CA(organization_name=_ORGANIZATION)
        start, end = now - _RENEW_BEFORE, now + _VALID_FOR
        server = authority.issue_cert(
            *_HOSTS, organization_name=_ORGANIZATION, not_before=start, not_after=end
        )
        write_private(self._ca_key, authority.private_key_pem.bytes())
        write_private(self.ca, authority.cert_pem.bytes())
        write_private(self.server, server.private_key_and_cert_chain_pem.bytes())
        self.issue_client(self.client.name, not_before=start, not_after=end)


def write_private(path: Path, content: bytes) -> None:
    """Put `content` in place as a whole, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
