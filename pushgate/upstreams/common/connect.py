"""Connecting over TLS: a name is resolved for each burst, a connection is ready only after its handshake."""

from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint

from pushgate.net.burst_endpoint import BurstEndpoint
from pushgate.net.client_tls import tls_endpoint
from pushgate.net.connecting import Once, connected
from pushgate.net.host_endpoint import host_endpoint
from pushgate.net.proxy_endpoint import ProxyEndpoint, proxy_endpoint_for
from pushgate.upstreams.common.credentials import Credentials

TIMEOUT: Final = 30.0
"""Seconds for name, TCP and TLS together, and for a proxy's answer."""


class SecuredConnection(Protocol):
    """A protocol of Twisted's that reports its handshake.

    :ivar secured: fires when the handshake is complete, fails when the connection is lost before.
    """

    secured: Deferred[Any]

    def abort(self) -> object:
        """Close at once."""


C = TypeVar("C", bound=SecuredConnection)


def endpoint(host: str, port: int, credentials: Credentials, reactor: Any, proxy: str | None = None) -> Any:
    """A TLS client endpoint; `host` is resolved again at each burst of connections, or by the proxy.

    :param proxy: a `ProxyURL`: the way to the host, which TLS goes through.
    """
    return tls_endpoint(way_to(reactor, host, port, proxy), credentials.tls(host))


def way_to(reactor: Any, host: str, port: int, proxy: str | None = None) -> IStreamClientEndpoint:
    """The endpoint beneath TLS; see `endpoint`."""
    if proxy is None:
        return BurstEndpoint(reactor, host_endpoint(reactor, host, port), port)
    return ProxyEndpoint(reactor, proxy_endpoint_for(reactor, proxy), host, port)


def connect(connection: C, endpoint: Any, reactor: Any) -> "Deferred[C]":
    """Connect `connection`; fires with it when its TLS handshake is complete.

    Twisted's TLS endpoints fire when TCP is connected, before a byte of TLS was exchanged. Cancelled, timed
    out or failed, no half-open connection is left behind.
    """
    return Deferred.fromCoroutine(_connect(connection, endpoint)).addTimeout(TIMEOUT, reactor)


async def _connect(connection: C, endpoint: Any) -> C:
    try:
        await connected(endpoint, Once(connection))
        await connection.secured
    except BaseException:
        connection.abort()
        raise
    return connection
