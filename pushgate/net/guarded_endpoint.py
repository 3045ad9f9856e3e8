"""Connecting to where others say: a name is resolved once, and what is connected to was looked at."""

from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import (
    IAddress,
    IHostResolution,
    IProtocol,
    IProtocolFactory,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from zope.interface import implementer

from pushgate.model.errors import PushgateError
from pushgate.net.address_policy import kind_of_private
from pushgate.net.client_tls import ClientTls, tls_endpoint

PATIENCE: Final = 10.0
"""Seconds at most until the next address is tried."""


class AddressRefused(PushgateError):
    """The name leads only to where nothing may be sent."""


@implementer(IResolutionReceiver)
class _Resolved:
    """What a name resolves to.

    :ivar addresses: fires with all of them.
    """

    def __init__(self) -> None:
        self.addresses: Deferred[list[IAddress]] = Deferred()
        self._found: list[IAddress] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:  # noqa: N803 - Twisted's
        """It ends by itself, even when a caller still waits."""

    def addressResolved(self, address: IAddress) -> None:
        self._found.append(address)

    def resolutionComplete(self) -> None:
        self.addresses.callback(self._found)


@implementer(IStreamClientEndpoint)
class GuardedEndpoint:
    """Resolves `host`, and connects to the first of its addresses that may be connected to and answers.

    :param reactor: provides IReactorTCP and IReactorPluggableNameResolver.
    :param allow_private: addresses that are not public may be connected to.
    :param allow_public: those that are may be.
    :param patience: seconds all addresses have together.
    """

    def __init__(
        self, reactor: Any, host: str, port: int, allow_private: bool, allow_public: bool, patience: float
    ) -> None:
        self._reactor, self._host, self._port = reactor, host, port
        self._allow_private, self._allow_public, self._patience = allow_private, allow_public, patience

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803 - Twisted's
        """Fails with `AddressRefused` when no address may be connected to."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        failure: ConnectError | None = None
        addresses = self._allowed(await self._resolve())
        patience = min(PATIENCE, self._patience / len(addresses))
        for address in addresses:
            try:
                protocol: IProtocol = await self._endpoint(address, patience).connect(factory)
            except ConnectError as error:
                failure = error
            else:
                return protocol
        assert failure is not None
        raise failure

    async def _resolve(self) -> list[IPv4Address | IPv6Address]:
        resolved = _Resolved()
        self._reactor.nameResolver.resolveHostName(resolved, self._host, self._port)
        found = [each for each in await resolved.addresses if isinstance(each, IPv4Address | IPv6Address)]
        if not found:
            raise DNSLookupError(f"no address of {self._host} was found")
        return found

    def _allowed(self, addresses: list[IPv4Address | IPv6Address]) -> list[IPv4Address | IPv6Address]:
        kinds = [kind_of_private(each.host) for each in addresses]
        allowed = [
            each
            for each, kind in zip(addresses, kinds, strict=True)
            if (self._allow_private if kind else self._allow_public)
        ]
        if not allowed:
            kind, other = (kinds[0], "public") if kinds[0] else ("a public", "private")
            raise AddressRefused(
                f"{self._host} is at {addresses[0].host}: {kind} address, and only {other} ones are allowed"
            )
        return allowed

    def _endpoint(self, address: IPv4Address | IPv6Address, patience: float) -> IStreamClientEndpoint:
        kind = TCP4ClientEndpoint if isinstance(address, IPv4Address) else TCP6ClientEndpoint
        return kind(self._reactor, address.host, self._port, patience)


class GuardedEndpoints:
    """Makes the endpoints of an HTTP client.

    Plain HTTP never leaves the private networks: the records would be read on the way.

    :param trust: who may vouch for the other side: a trust root.
    :param patience: seconds for a connection, and what comes first over it.
    """

    def __init__(self, reactor: Any, allow_private: bool, trust: Any, patience: float) -> None:
        self._reactor, self._allow_private, self._trust = reactor, allow_private, trust
        self._patience = patience

    def endpoint(self, host: str, port: int, secure: bool) -> IStreamClientEndpoint:
        """An endpoint for a host, over TLS if it is `secure`."""
        plain = GuardedEndpoint(
            self._reactor, host, port, self._allow_private, allow_public=secure, patience=self._patience
        )
        return tls_endpoint(plain, ClientTls(host, self._trust)) if secure else plain
