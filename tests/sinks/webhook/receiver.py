"""A receiver of webhooks on loopback, over HTTP or HTTPS, that answers as a test says."""

from collections import deque
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.policies import WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from pushgate.protocols.webhook_signature import SIGNATURE, TIMESTAMP


class Got(msgspec.Struct):
    """One request."""

    method: bytes
    path: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def records(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.body.splitlines()]

    @property
    def signed(self) -> tuple[str, str]:
        """Timestamp and signature."""
        return self.headers[TIMESTAMP.lower()], self.headers[SIGNATURE.lower()]


class Hung(Protocol):
    """Answers as its factory says, then reads nothing any more: not that the other side closes either."""

    factory: "HungReceiver"

    def connectionMade(self) -> None:
        self.factory.open.add(self)

    def dataReceived(self, _: bytes) -> None:
        assert self.transport is not None
        self.transport.write(self.factory.answer)
        self.tcp().pauseProducing()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self.factory.open.discard(self)

    def tcp(self) -> Any:
        """The transport below TLS."""
        return getattr(self.transport, "transport", None) or self.transport


class HungReceiver(Factory):
    """Listens with TLS.

    :ivar open: connections that have not ended, as far as it knows.
    """

    noisy = False
    protocol = Hung

    def __init__(self, answer: bytes) -> None:
        self.answer, self.open = answer, set[Hung]()

    async def start(self, tls: Any) -> "HungReceiver":
        """Listen on a free port."""
        self._port = await SSL4ServerEndpoint(reactor, 0, tls, interface="127.0.0.1").listen(self)
        self.port = self._port.getHost().port
        return self

    def read(self) -> None:
        """Read on."""
        for each in self.open:
            each.tcp().resumeProducing()

    async def stop(self) -> None:
        """Close everything."""
        for each in list(self.open):
            each.tcp().abortConnection()
        await self._port.stopListening()


class Receiver(Resource):
    """Keeps requests.

    :ivar answers: status and headers of the next answers; then 204 for ever.
    :ivar silent: while true, nothing is answered.
    :ivar endless: while true, every answer is 200 with a body that does not end.
    :ivar stalls: while true, every answer is 200 and ends in the middle of its body.
    :ivar body: what every other answer has.
    :ivar connections: how many were made.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Got] = []
        self.answers: deque[tuple[int, dict[str, str]]] = deque()
        self.silent = self.endless = self.stalls = False
        self.body = b""
        self._came: list[Deferred[None]] = []
        self.connections = 0

    async def start(self, tls: Any = None) -> "Receiver":
        """Listen on a free port; `tls` are the options of a server."""
        site = Site(self, parsePOSTFormSubmission=False)
        site.noisy = False
        self._factory = WrappingFactory(site)
        self._factory.noisy = False
        made = self._factory.buildProtocol

        def counted(address: Any) -> Any:
            self.connections += 1
            return made(address)

        self._factory.buildProtocol = counted
        if tls is None:
            endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        else:
            endpoint = SSL4ServerEndpoint(reactor, 0, tls, interface="127.0.0.1")
        self._port = await endpoint.listen(self._factory)
        self.port = self._port.getHost().port
        return self

    async def stop(self) -> None:
        """Close everything."""
        for protocol in list(self._factory.protocols):
            protocol.transport.abortConnection()
        await self._port.stopListening()

    def drop(self) -> None:
        """Reset the connections there are."""
        for protocol in list(self._factory.protocols):
            protocol.transport.abortConnection()

    def came(self) -> Deferred[None]:
        """Fires with the next request."""
        self._came.append(Deferred())
        return self._came[-1]

    def render(self, request: Request) -> Any:
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.got.append(Got(request.method, request.uri, headers, request.content.read()))
        came, self._came = self._came, []
        for each in came:
            each.callback(None)
        if self.silent:
            request.notifyFinish().addErrback(lambda _: None)
            return NOT_DONE_YET
        status, extra = self.answers.popleft() if self.answers else (204, {})
        request.setResponseCode(status)
        for name, value in extra.items():
            request.setHeader(name, value)
        if self.endless or self.stalls:
            request.setResponseCode(200)
            request.notifyFinish().addErrback(lambda _: None)
            request.write(b"x" * (200_000 if self.endless else 20))
            return NOT_DONE_YET
        return self.body
