"""The way to a service, step by step: its name, TCP, a proxy, TLS with the service's certificate."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from twisted.python.failure import Failure

from pushgate.model.finding import Finding
from pushgate.net.client_tls import tls_endpoint
from pushgate.net.diagnosis.handshake import THE_SYSTEMS, Greeting, tls_finding
from pushgate.net.diagnosis.names import look_up
from pushgate.net.diagnosis.server_chain import ChainLook, chain_findings
from pushgate.net.diagnosis.tcp import touch
from pushgate.net.diagnosis.tls_trouble import TROUBLES, handshake_finding, is_unverified
from pushgate.plugin.interfaces import Examination
from pushgate.plugin.settings import proxy_address
from pushgate.upstreams.common.connect import SecuredConnection, connect, way_to
from pushgate.upstreams.common.credentials import Credentials


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A service, as an app reaches it.

    :param tls: what is shown to it, and who may vouch for it.
    :param trusted: who that is, in words.
    :param prefix: of the checks' identifiers: ``"token-"``.
    """

    host: str
    port: int
    tls: Credentials
    proxy: str | None = None
    trusted: str = THE_SYSTEMS
    prefix: str = ""

    @property
    def where(self) -> str:
        """Host and port, for people and for openssl."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Reach:
    """Connects, and says how far it came.

    :param connection: the protocol that is to speak over TLS.
    :ivar is_open: `connection` is secured: it may be used, and is to be closed.
    :ivar failed: how the handshake failed, when it did.
    """

    def __init__(self, place: Place, connection: SecuredConnection, examination: Examination) -> None:
        self._place, self._connection, self._examination = place, connection, examination
        self.is_open = False
        self.failed: Failure | None = None

    async def findings(self, is_tls_tried: bool = True) -> AsyncIterator[Finding]:
        """A finding for each step, up to the first that fails.

        :param is_tls_tried: the last step is made.
        """
        place, given = self._place, self._examination
        host, port, prefix = place.host, place.port, place.prefix
        if place.proxy is not None:
            host, port = proxy_address(place.proxy)
            prefix += "proxy-"
        found, addresses = await look_up(host, port, given, prefix)
        for each in found:
            yield each
        if not addresses:
            return
        found, is_there = await touch(host, addresses, given, prefix)
        for each in found:
            yield each
        if is_there and is_tls_tried:
            for each in await self._secure():
                yield each

    async def _secure(self) -> list[Finding]:
        place = self._place
        try:
            await _secured(self._connection, place, place.tls.tls(place.host), self._examination)
        except TROUBLES:
            self.failed = Failure()
            return await self._trouble(self.failed)
        self.is_open = True
        return [tls_finding(place.where, place.trusted, self._connection, place.prefix)]

    async def _trouble(self, failed: Failure) -> list[Finding]:
        place = self._place
        if is_unverified(failed):
            look = ChainLook(place.host, place.tls.trust)
            await _look(look, place, self._examination)
            if look.chain:
                return chain_findings(place.host, look, place.trusted, place.prefix)
        shown = place.tls.certificate is not None
        return [handshake_finding(failed, place.where, self._examination.timeout, shown, place.prefix)]


async def _secured(connection: SecuredConnection, place: Place, tls: Any, examination: Examination) -> None:
    way = way_to(examination.reactor, place.host, place.port, place.proxy)
    connecting = connect(connection, tls_endpoint(way, tls), examination.reactor)
    await connecting.addTimeout(examination.timeout, examination.reactor)


async def _look(look: ChainLook, place: Place, examination: Examination) -> None:
    """Have a look at the server's certificates, on a connection of its own that says nothing."""
    greeting = Greeting()
    try:
        await _secured(greeting, place, look, examination)
    except TROUBLES:
        pass  # what was seen until then is what counts
    finally:
        greeting.abort()
