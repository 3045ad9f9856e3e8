"""Connecting through an HTTP proxy: CONNECT (RFC 9110 9.3.6), and what is spoken to the host behind it."""

from typing import Any, Final

import h11
from service_identity.hazmat import DNS_ID
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, NoProtocol
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.errors import PushgateError
from pushgate.model.printable import printable
from pushgate.net.burst_endpoint import BurstEndpoint
from pushgate.net.connecting import Once
from pushgate.net.host_endpoint import host_endpoint
from pushgate.net.host_identity import host_identity
from pushgate.plugin.settings import proxy_address

MAX_HEAD: Final = 8192
"""Bytes that a proxy may say before it has answered."""
PATIENCE: Final = 20.0
"""Seconds a proxy has for its answer: it looks the host up and connects to it meanwhile."""


class ProxyRefused(PushgateError):
    """A proxy opened no way to the host. Its text is one line; the proxy's words are escaped in it."""


@implementer(IStreamClientEndpoint)
class ProxyEndpoint:
    """Connects to a host through a proxy, which looks up the host's name.

    What is spoken over it is the host's: with TLS on top, the proxy reads nothing of it, and the host's name
    is verified as ever.

    :param reactor: provides IReactorTime.
    :param proxy_endpoint: connects to the proxy.
    :param authorization: the value of ``Proxy-Authorization``.
    :param patience: seconds the proxy has for its answer.
    :raises ValueError: no host can have this name, or the value is none of a header.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        proxy_endpoint: IStreamClientEndpoint,
        host: str,
        port: int,
        authorization: bytes | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._reactor, self._proxy, self._patience = reactor, proxy_endpoint, patience
        self._request = _connect_request(_authority(host, port), authorization)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803 - Twisted's
        """Fires when the proxy has connected to the host.

        Fails with `ProxyRefused` when it does not, or cannot be reached itself.
        """
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        tunnel = _Tunnel(self._reactor, self._request, factory, self._patience)
        try:
            await self._proxy.connect(Once(tunnel))
        except (ConnectError, OSError) as error:
            raise ProxyRefused(f"the proxy cannot be reached: {_words(str(error))}") from error
        return await tunnel.opened


def proxy_endpoint_for(reactor: Any, url: str) -> IStreamClientEndpoint:
    """An endpoint that connects to the proxy of a `ProxyURL`; its name is looked up at each burst."""
    host, port = proxy_address(url)
    return BurstEndpoint(reactor, host_endpoint(reactor, host, port), port)


class _Tunnel(Protocol):
    """A connection to a proxy: it asks for a way to the host, and is only a pipe once there is one.

    :ivar opened: fires with the protocol that speaks to the host.
    """

    def __init__(
        self, clock: IReactorTime, request: h11.Request, factory: IProtocolFactory, patience: float
    ) -> None:
        self.opened: Deferred[IProtocol] = Deferred(lambda _: self._fail(CancelledError()))
        self._clock, self._request, self._factory, self._patience = clock, request, factory, patience
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._heard = 0
        self._inner: IProtocol | None = None
        self._timer: IDelayedCall | None = None

    # Twisted's side

    def connectionMade(self) -> None:
        late = ProxyRefused(f"the proxy does not answer CONNECT within {self._patience:g} s")
        self._timer = self._clock.callLater(self._patience, self._fail, late)
        head = self._parser.send(self._request) or b""
        self._transport().write(head + (self._parser.send(h11.EndOfMessage()) or b""))

    def dataReceived(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.dataReceived(data)
        elif not self.opened.called:
            self._hear(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.connectionLost(reason)
            self._factory.doStop()
        else:
            words = _words(reason.getErrorMessage())
            self._fail(ProxyRefused(f"the proxy does not answer CONNECT: {words}"))

    # within

    def _hear(self, data: bytes) -> None:
        """Take bytes of the answer, and what may have come behind it."""
        room = MAX_HEAD - self._heard
        self._heard += len(data)
        try:
            answer = self._answer(data[:room])
        except h11.RemoteProtocolError:
            self._fail(ProxyRefused("the proxy does not speak HTTP/1.1"))
            return
        if answer is None:
            if len(data) >= room:
                self._fail(ProxyRefused(f"the proxy answers CONNECT with more than {MAX_HEAD} bytes"))
        elif 200 <= answer.status_code < 300:
            self._open(self._parser.trailing_data[0] + data[room:])
        else:
            words = printable(answer.reason)
            self._fail(ProxyRefused(f"the proxy answers CONNECT with {answer.status_code} {words}".rstrip()))

    def _answer(self, data: bytes) -> h11.Response | None:
        """The head of the proxy's answer, once it is complete; those before it (1xx) are passed over."""
        self._parser.receive_data(data)
        while (event := self._parser.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                return event
        return None

    def _open(self, rest: bytes) -> None:
        """There is a way: speak to the host.

        :param rest: what it has said already.
        """
        self._stop_timer()
        self._factory.doStart()
        try:
            inner = self._factory.buildProtocol(self._transport().getPeer())
            if inner is None:
                raise NoProtocol
            self._inner = inner
            inner.makeConnection(self._transport())
        except Exception as error:  # noqa: BLE001 - an endpoint fails as its factory does
            self._inner = None
            self._factory.doStop()
            self._fail(error)
            return
        self.opened.callback(inner)
        if rest:
            self.dataReceived(rest)

    def _fail(self, error: Exception) -> None:
        """Close at once, unless there was an end already."""
        if not self.opened.called:
            self._stop_timer()
            self._transport().abortConnection()
            self.opened.errback(error)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _transport(self) -> Any:
        return self.transport


def _words(text: str) -> str:
    """The first line of an error's text, made fit for a log."""
    return printable(text.partition("\n")[0].rstrip("."))


def _authority(host: str, port: int) -> bytes:
    """``host:port`` as CONNECT has it: IPv6 in brackets, names of other scripts encoded.

    :raises ValueError: no host can have this name.
    """
    identity = host_identity(host)
    name = identity.hostname if isinstance(identity, DNS_ID) else host.encode("ascii")
    return b"%b:%d" % (b"[%b]" % name if b":" in name else name, port)


def _connect_request(authority: bytes, authorization: bytes | None) -> h11.Request:
    """The request for a way to a host.

    :raises ValueError: `authorization` cannot be the value of a header.
    """
    headers = [(b"Host", authority)]
    if authorization is not None:
        headers.append((b"Proxy-Authorization", authorization))
    try:
        return h11.Request(method=b"CONNECT", target=authority, headers=headers)
    except h11.LocalProtocolError:  # it quotes the secret
        raise ValueError("the authorization for the proxy has what a header cannot carry") from None
