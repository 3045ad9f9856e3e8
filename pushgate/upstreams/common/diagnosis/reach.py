"""The way to a service, step by step: its name, TCP, a proxy, TLS with the service's certificate."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from twisted.python.failure import Failure

from pushgate.model.authority import authority
from pushgate.model.finding import Finding
from pushgate.net.client_tls import tls_endpoint
from pushgate.net.diagnosis.handshake import THE_SYSTEMS, Server, failed_handshake, tls_finding
from pushgate.net.diagnosis.names import look_up
from pushgate.net.diagnosis.tcp import touch
from pushgate.net.diagnosis.tls_trouble import TROUBLES
from pushgate.plugin.examination import Examination
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
        return authority(self.host, self.port)

    def server(self, reactor: Any) -> Server:
        """The same, as its handshake is looked at."""
        return Server(
            host=self.host,
            port=self.port,
            way=way_to(reactor, self.host, self.port, self.proxy),
            trust=self.tls.trust,
            trusted=self.trusted,
            prefix=self.prefix,
        )


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
        place, given = self._place, self._examination
        server = place.server(given.reactor)
        endpoint = tls_endpoint(server.way, place.tls.tls(place.host))
        try:
            await connect(self._connection, endpoint, given.reactor).addTimeout(given.timeout, given.reactor)
        except TROUBLES:
            self.failed = Failure()
            shown = place.tls.certificate is not None
            return await failed_handshake(self.failed, server, given, is_shown=shown)
        self.is_open = True
        return [tls_finding(server.where, server.trusted, self._connection, server.prefix)]
