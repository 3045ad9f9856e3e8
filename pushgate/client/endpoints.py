"""Reaching a gateway: endpoint strings, and connections whose TLS handshake is done."""

import re
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from OpenSSL.crypto import X509
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, clientFromString, wrapClientTLS
from twisted.internet.interfaces import (
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import (
    Certificate,
    KeyPair,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.python.failure import Failure
from zope.interface import implementer

HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds for the TLS handshake."""
_COLON: Final = re.compile(r"(?<!\\):")
_KNOWN: Final = {"host", "port", "timeout", "bindAddress", "certificate", "privateKey", "trustRoots"}


def endpoint(reactor: Any, text: str) -> IStreamClientEndpoint:
    """The endpoint of a Twisted client endpoint string; in ``tls:`` ``trustRoots=`` may name a file, too.

    Twisted itself takes a directory only, and of each file in it the first certificate.

    :raises ValueError: it is none, or a file of it cannot be used.
    """
    kind, *words = _COLON.split(text)
    options = dict(zip(("host", "port"), [word for word in words if "=" not in word], strict=False))
    options |= dict(word.split("=", 1) for word in words if "=" in word)
    options = {key: re.sub(r"\\(.)", r"\1", value) for key, value in options.items()}
    roots = Path(options.get("trustRoots", ""))
    if kind != "tls" or "trustRoots" not in options or roots.is_dir() or not options.keys() <= _KNOWN:
        made: IStreamClientEndpoint = clientFromString(reactor, text)
        return made
    host, port = options["host"], int(options["port"])
    tls = optionsForClientTLS(host, _authorities(roots), _own(options))
    bind = (options["bindAddress"], 0) if "bindAddress" in options else None
    plain = HostnameEndpoint(reactor, host.encode(), port, float(options.get("timeout", 30)), bind)
    return wrapClientTLS(tls, plain)


def _authorities(file: Path) -> Any:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise ValueError(f"trustRoots: {file}: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"trustRoots: {file}: no certificate in PEM") from None
    return trustRootFromCertificates([Certificate(X509.from_cryptography(each)) for each in found])


def _own(options: dict[str, str]) -> PrivateCertificate | None:
    """The client certificate, if there is one."""
    if "certificate" not in options:
        return None
    certificate, key = options["certificate"], options.get("privateKey", options["certificate"])
    try:
        loaded = Certificate.loadPEM(Path(certificate).read_bytes())
        pair = KeyPair.load(Path(key).read_bytes(), 1)
    except OSError as error:
        raise ValueError(f"certificate: {error.filename}: {error.strerror}") from None
    own: PrivateCertificate = PrivateCertificate.fromCertificateAndKeyPair(loaded, pair)
    return own


async def connect(
    endpoint: IStreamClientEndpoint, factory: IProtocolFactory, clock: IReactorTime
) -> IProtocol:
    """Connect, and hand the connection to the factory's protocol once its TLS handshake is done.

    Without TLS that is at once. What the protocol writes thus never goes to a peer that is not trusted.
    """
    waiting: Any = await endpoint.connect(_Handshakes(factory))
    try:
        protocol: IProtocol = await waiting.done.addTimeout(HANDSHAKE_TIMEOUT, clock)
    except (defer.CancelledError, defer.TimeoutError):
        waiting.transport.abortConnection()
        raise
    return protocol


@implementer(IHandshakeListener)
class _Handshake(Protocol):
    """Stands between a connection and its protocol, which gets it when the handshake is done.

    :ivar done: fires with the protocol; fails with the reason for which the connection ended before.
    """

    transport: Any

    def __init__(self, protocol: IProtocol) -> None:
        self.done: Deferred[IProtocol] = Deferred()
        self._protocol, self._made = protocol, False

    def connectionMade(self) -> None:
        if not hasattr(self.transport, "getPeerCertificate"):
            self.handshakeCompleted()

    def handshakeCompleted(self) -> None:
        self._made = True
        self._protocol.makeConnection(self.transport)
        self.done.callback(self._protocol)

    def dataReceived(self, data: bytes) -> None:
        self._protocol.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._made:
            self._protocol.connectionLost(reason)
        elif not self.done.called:
            self.done.errback(reason)


class _Handshakes(Factory):
    noisy = False

    def __init__(self, factory: IProtocolFactory) -> None:
        self._factory = factory

    def buildProtocol(self, addr: Any) -> Protocol | None:
        protocol = self._factory.buildProtocol(addr)
        return None if protocol is None else _Handshake(protocol)
