"""A TLS handshake with a server that is shown no certificate, and over which nothing is said."""

from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.authority import authority
from pushgate.model.finding import Finding, ok
from pushgate.net.client_tls import ClientTls, tls_endpoint
from pushgate.net.connecting import Once, connected
from pushgate.net.diagnosis.http_probe import Lost
from pushgate.net.diagnosis.server_chain import ChainLook, chain_findings, chain_lines, name_of
from pushgate.net.diagnosis.tls_trouble import TROUBLES, handshake_finding, is_unverified
from pushgate.plugin.examination import Examination

OURS: Final = "the authorities of the file of trust"
THE_SYSTEMS: Final = "the system's authorities"


@implementer(IHandshakeListener)
class Greeting(Protocol):
    """A connection over which nothing is said.

    :ivar secured: fires when the handshake is complete, fails when the connection is lost before.
    :ivar heard: what came.
    :ivar ended: fires when the connection has ended.
    """

    def __init__(self) -> None:
        self.secured: Deferred[Any] = Deferred()
        self.ended: Deferred[Lost] = Deferred()
        self.heard = b""
        self._ready = self._closed = False

    def handshakeCompleted(self) -> None:
        self._ready = True
        self.secured.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.heard += data[:1024]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._closed = True
        if not self._ready:
            self.secured.errback(reason)
        if not self.ended.called:  # it was given up
            self.ended.callback(Lost(reason))

    def abort(self) -> None:
        """Close at once; harmless when closed."""
        transport: Any = self.transport
        if transport is not None and not self._closed:
            transport.abortConnection()


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server over TLS, as it is looked at.

    :param way: how TCP gets there.
    :param trust: the authorities: a trust root of Twisted's.
    :param trusted: who that is, in words.
    :param prefix: of the checks' identifiers: ``"token-"``.
    """

    host: str
    port: int
    way: IStreamClientEndpoint
    trust: Any
    trusted: str
    prefix: str = ""

    @property
    def where(self) -> str:
        """Host and port, for people and for openssl."""
        return authority(self.host, self.port)


async def check_handshake(server: Server, examination: Examination) -> list[Finding]:
    """What comes of a handshake, with the chain; and what is wrong with it when it is not to be trusted."""
    greeting = Greeting()
    try:
        await _secured(greeting, server, ClientTls(server.host, server.trust), examination)
        return [tls_finding(server.where, server.trusted, greeting, server.prefix)]
    except TROUBLES:
        failed = Failure()
    finally:
        greeting.abort()
    return await failed_handshake(failed, server, examination, is_shown=False)


async def failed_handshake(
    failed: Failure, server: Server, examination: Examination, *, is_shown: bool
) -> list[Finding]:
    """Why a handshake failed: of a server that is not trusted, after a look at its certificates.

    :param is_shown: it was shown a certificate of the client's.
    """
    if is_unverified(failed):
        look, greeting = ChainLook(server.host, server.trust), Greeting()
        try:
            await _secured(greeting, server, look, examination)
        except TROUBLES:
            pass  # what was seen until then is what counts
        finally:
            greeting.abort()
        if look.chain:
            return chain_findings(server.host, look, server.trusted, server.prefix)
    return [handshake_finding(failed, server.where, examination.timeout, is_shown, server.prefix)]


def tls_finding(where: str, trusted: str, connection: Any, prefix: str = "") -> Finding:
    """That a connection is secured, and with whom.

    :param where: host and port.
    """
    handle = connection.transport.getHandle()
    chain = [each.to_cryptography() for each in handle.get_peer_cert_chain() or ()]
    leaf = chain[0]
    return ok(
        f"{prefix}tls",
        f"{handle.get_protocol_version_name()} with {where}: its certificate, {name_of(leaf.subject)}, "
        f"is valid until {leaf.not_valid_after_utc:%Y-%m-%d}, and {trusted} vouch for it",
        *chain_lines(chain),
    )


async def _secured(greeting: Greeting, server: Server, tls: Any, examination: Examination) -> None:
    async def secured() -> None:
        await connected(tls_endpoint(server.way, tls), Once(greeting))
        await greeting.secured

    await Deferred.fromCoroutine(secured()).addTimeout(examination.timeout, examination.reactor)
