"""TLS with old clients."""

from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.ssl import CertificateOptions

from pushgate.inputs.apns_binary.settings import TLS_VERSIONS, ApnsTable
from pushgate.net.tls import ServerTls
from pushgate.plugin.settings import ListeningTable

_NUMBERS: Final = {"1.0": SSL.TLS1_VERSION, "1.1": SSL.TLS1_1_VERSION}
_OLD_CIPHERS: Final = b"HIGH:MEDIUM:!aNULL:!eNULL:!RC4:!PSK:@SECLEVEL=0"
"""TLS below 1.2 signs its handshake with SHA-1, which OpenSSL does at this level only."""


class ProviderTls(ServerTls):
    """Asks clients for certificates, where there are authorities, and speaks old versions if it must."""

    def __init__(self, where: str, config: ListeningTable) -> None:
        assert isinstance(config, ApnsTable)
        self._minimum, self._maximum = config.tls_minimum, config.tls_maximum
        super().__init__(where, config)

    def _policy(self) -> dict[str, Any]:
        # Not `raiseMinimumTo`: that cannot go below Twisted's own idea of what is safe.
        return {
            "requireCertificate": True,
            "insecurelyLowerMinimumTo": TLS_VERSIONS[self._minimum],
            "lowerMaximumSecurityTo": TLS_VERSIONS[self._maximum],
        }

    def _load(self) -> CertificateOptions:
        options = super()._load()
        if self._minimum in _NUMBERS:
            context = options.getContext()
            context.set_min_proto_version(_NUMBERS[self._minimum])
            context.set_cipher_list(_OLD_CIPHERS)
        return options
