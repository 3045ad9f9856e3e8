"""Connecting to a host many times in a moment."""

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

BURST: Final = 5.0
"""Seconds in which a name is not resolved again: enough for the connections of one moment, and less than
addresses are announced for."""


@implementer(IStreamClientEndpoint)
class BurstEndpoint:
    """Resolves a name, and goes on with the address that answered for `BURST` seconds.

    Looking a name up and trying its addresses in turn costs a quarter of the CPU time of a TLS connection.
    When the address does not take connections any more, the name is resolved at once.

    :param reactor: provides IReactorTime and IReactorTCP.
    :param by_name: resolves the name at each `connect`.
    :param timeout: seconds for one address.
    """

    def __init__(
        self, reactor: Any, by_name: IStreamClientEndpoint, port: int, timeout: float = 30.0
    ) -> None:
        self._reactor, self._by_name, self._port, self._timeout = reactor, by_name, port, timeout
        self._known: IStreamClientEndpoint | None = None
        self._known_until = 0.0

    def connect(self, protocol_factory: IProtocolFactory) -> "Deferred[Any]":
        """See `IStreamClientEndpoint`."""
        return Deferred.fromCoroutine(self._connect(protocol_factory))

    async def _connect(self, factory: IProtocolFactory) -> Any:
        if self._known is not None and self._reactor.seconds() < self._known_until:
            try:
                return await self._known.connect(factory)
            except ConnectError:
                self._known = None
        protocol: Any = await self._by_name.connect(factory)
        self._know(protocol.transport.getPeer().host)
        return protocol

    def _know(self, address: str) -> None:
        kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        self._known = kind(self._reactor, address, self._port, self._timeout)
        self._known_until = self._reactor.seconds() + BURST
