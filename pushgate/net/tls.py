"""TLS for inputs: their own certificate, and those of clients where they are asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from OpenSSL.crypto import X509, PKey
from OpenSSL.SSL import Connection
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IOpenSSLServerConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.logger import Logger
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.errors import CannotStart
from pushgate.net.table_files import TableFiles
from pushgate.plugin.settings import ListeningTable

HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds for the TLS handshake."""


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """Makes the TLS side of an input's connections, with the current content of the files.

    A renewed certificate needs no restart. Files that cannot be used leave the last good ones in use, and are
    named in the log once.

    :param where: the key path of the input's table.
    :param config: has a certificate.
    :raises CannotStart: a file cannot be used.
    """

    log = Logger()

    def __init__(self, where: str, config: ListeningTable) -> None:
        assert config.certificate is not None
        # Absolute: twistd changes its directory when it becomes a daemon.
        self._where, self._certificate = where, config.certificate.absolute()
        self._key = (config.private_key or config.certificate).absolute()
        self._authorities = config.client_authorities and config.client_authorities.absolute()
        self._loaded_state = self._file_state()
        self._options = self._load()

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """See `IOpenSSLServerConnectionCreator`."""
        state = self._file_state()
        if state != self._loaded_state:
            self._loaded_state = state
            self._renew()
        return self._options.serverConnectionForTLS(protocol)

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`."""
        state, options = self._file_state(), self._load()

        def use() -> None:
            self._loaded_state, self._options = state, options

        return use

    def _renew(self) -> None:
        try:
            self._options = self._load()
            self.log.info("{where}: the certificate was read anew", where=self._where)
        except CannotStart as error:
            for fault in error.faults:
                self.log.error("{fault}; the last good one stays in use", fault=fault)

    def _file_state(self) -> list[tuple[int, int, int] | None]:
        """The state of the files, which differs when one of them has changed."""
        return [_file_state(file) for file in (self._certificate, self._key, self._authorities) if file]

    def _load(self) -> CertificateOptions:
        files = TableFiles(self._where)
        identity = files.identity(self._certificate, self._key)
        authorities = files.certificates("client_authorities", self._authorities) if self._authorities else []
        files.check()
        assert identity is not None
        options = CertificateOptions(
            privateKey=PKey.from_cryptography_key(identity.key),
            certificate=X509.from_cryptography(identity.leaf),
            extraCertChain=[X509.from_cryptography(each) for each in identity.chain],
            verify=bool(authorities),
            caCerts=[X509.from_cryptography(each) for each in authorities] or None,
            **self._policy(),
        )
        for each in authorities:
            # Clients that have several certificates choose by the authorities' names.
            options.getContext().add_client_ca(X509.from_cryptography(each))
        return options

    def _policy(self) -> dict[str, Any]:
        """The versions of TLS and the demands on clients, as arguments of `CertificateOptions`."""
        # A client without a certificate may still log in with a secret.
        return {"requireCertificate": False, "raiseMinimumTo": TLSVersion.TLSv1_2}


class TlsLayer(BufferingTLSTransport):
    """Twisted's, with a limit on the time of the handshake, and the way in which TCP ended.

    Until its handshake is done the input does not know a connection, and can neither count nor close it.

    A peer that closes without close_notify looks the same to Twisted whether it closed or crashed.

    :ivar ended: TCP's reason for the end, None before it.
    """

    ended: Failure | None = None
    factory: "TlsFactory"
    _handshake: IDelayedCall | None = None

    def makeConnection(self, transport: ITransport) -> None:
        """See `twisted.internet.interfaces.IProtocol`."""
        self._handshake = self.factory.clock.callLater(HANDSHAKE_TIMEOUT, self._look)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """See `twisted.internet.interfaces.IProtocol`."""
        self.ended = reason
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
        super().connectionLost(reason)

    def _look(self) -> None:
        self._handshake = None
        handle: Connection = self.getHandle()  # type: ignore[no-untyped-call]  # untyped in Twisted
        if handle.get_peer_finished() is None:
            self.factory.too_slow()
            self.abortConnection()  # type: ignore[no-untyped-call]  # untyped in Twisted


class TlsFactory(TLSMemoryBIOFactory):
    """Twisted's, for factories that refuse connections too.

    :param too_slow: called when a handshake is given up.
    """

    protocol = TlsLayer

    def __init__(
        self,
        tls: IOpenSSLServerConnectionCreator,
        factory: IProtocolFactory,
        clock: IReactorTime,
        too_slow: Callable[[], None],
    ) -> None:
        super().__init__(tls, False, factory, clock)
        self.clock, self.too_slow = clock, too_slow

    def buildProtocol(self, addr: IAddress | None) -> TLSMemoryBIOProtocol | None:  # type: ignore[override] # None closes the connection
        """Return None when the input's own factory makes no protocol."""
        inner: IProtocol | None = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)


def peer_subject(transport: Any) -> str | None:
    """The subject of the certificate that a peer has proven to hold, as RFC 4514 writes it.

    To be called once the handshake is done; None when there is no certificate.
    """
    ask = getattr(transport, "getPeerCertificate", None)
    certificate: X509 | None = None if ask is None else ask()
    if certificate is None:
        return None
    return certificate.to_cryptography().subject.rfc4514_string()


def _file_state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
