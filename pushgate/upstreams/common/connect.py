"""Connecting: the name is resolved anew, and the link is handed on only when its handshake is complete."""

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol

from pushgate.upstreams.apns_binary.connection import StreamConnection
from pushgate.upstreams.common.client_certificate import Credentials

TIMEOUT: Final = 30.0
"""Seconds for name, TCP and TLS together."""


class Once(Factory):
    """A factory of the one protocol it was given."""

    noisy = False

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> Protocol:
        return self._protocol


def endpoint(host: str, port: int, credentials: Credentials, reactor: Any) -> Any:
    """A TLS client endpoint; every `connect` of it looks `host` up again."""
    return wrapClientTLS(credentials.tls_options(host), HostnameEndpoint(reactor, host, port))


def connect(link: StreamConnection, endpoint: Any, reactor: Any) -> "Deferred[StreamConnection]":
    """Connect `link`; fires with it when its TLS handshake is complete.

    Twisted's TLS endpoints fire when TCP is connected, before a byte of TLS was exchanged. Cancelled, timed
    out or failed, no half-open connection is left behind.
    """
    return Deferred.fromCoroutine(_connect(link, endpoint)).addTimeout(TIMEOUT, reactor)


async def _connect(link: StreamConnection, endpoint: Any) -> StreamConnection:
    try:
        await endpoint.connect(Once(link))
        await link.secured
    except BaseException:
        link.abort()
        raise
    return link
