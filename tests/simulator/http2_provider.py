"""A provider that speaks HTTP/2 to the simulator with h2, frame by frame, and keeps what it hears."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import h2.events
import jwt
import msgspec
from h2.config import H2Configuration
from h2.connection import H2Connection
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from pushgate.simulator.service import Simulator
from tests.simulator.provider import PAYLOAD, make_simulator, until

NOW = 1_700_000_000
"""The time of the simulators of these tests, whole seconds."""
TOKEN = "ab" * 32


class Response(msgspec.Struct):
    """What was heard on a stream.

    :ivar frames: kinds of frames, with whether they ended the stream.
    """

    headers: dict[str, str] = {}
    body: bytes = b""
    ended: bool = False
    reset: int | None = None
    frames: list[tuple[str, bool]] = []

    @property
    def status(self) -> int:
        return int(self.headers[":status"])

    @property
    def reason(self) -> str:
        return msgspec.json.decode(self.body)["reason"]

    @property
    def said(self) -> tuple[int, str]:
        """Status and reason, "" for a success."""
        return self.status, self.reason if self.body else ""


@implementer(IHandshakeListener)
class HTTP2Provider(Protocol):
    """One connection.

    :ivar goaways: last stream, code and debug data of each.
    :ivar limits: the numbers of concurrent streams that were announced.
    :ivar polite: keeps to the number of concurrent streams.
    """

    def __init__(self) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.heard: dict[int, Response] = {}
        self.goaways: list[tuple[int, int, bytes]] = []
        self.limits: list[int] = []
        self.up: Deferred[None] = Deferred()
        self.lost: Deferred[BaseException] = Deferred()
        self.authorization: str | None = None
        self.pings: list[bytes] = []
        self.gone = False
        self.clock: Any = None

    def handshakeCompleted(self) -> None:
        self.h2.initiate_connection()
        self.flush()
        self.up.callback(None)

    def dataReceived(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            self.hear(event)
        self.flush()

    def hear(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RemoteSettingsChanged):
            changed = event.changed_settings.get(3)
            if changed is not None:
                self.limits.append(changed.new_value)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append((event.last_stream_id, int(event.error_code), event.additional_data or b""))
            self.h2.state_machine.state = (
                self.h2.state_machine.state.CLIENT_OPEN
            )  # h2 hears nothing more by itself
        elif isinstance(event, h2.events.ResponseReceived):
            response = self.heard[event.stream_id]
            response.headers = dict(event.headers)
            response.ended = event.stream_ended is not None
            response.frames.append(("HEADERS", response.ended))
        elif isinstance(event, h2.events.DataReceived):
            response = self.heard[event.stream_id]
            response.body += event.data
            response.ended = event.stream_ended is not None
            response.frames.append(("DATA", response.ended))
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.PingReceived):
            self.pings.append(event.ping_data)
        elif isinstance(event, h2.events.StreamReset):
            self.heard[event.stream_id].reset = int(event.error_code)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone = True
        self.lost.callback(reason.value)
        if not self.up.called:
            self.up.errback(reason)

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.transport.write(data)

    def push(self, token: str = TOKEN, payload: bytes = PAYLOAD, flush: bool = True, **headers: str) -> int:
        """Send a push; its stream."""
        return self.request("POST", f"/3/device/{token}", payload, flush, **headers)

    def request(self, method: str, path: str, body: bytes = b"", flush: bool = True, **headers: str) -> int:
        """Send a request; its stream. Headers are written with underscores; an empty one is left out."""
        if self.authorization is not None:
            headers = {"authorization": self.authorization, "apns_topic": "com.example.news", **headers}
        fields = [(name.replace("_", "-"), value) for name, value in headers.items() if value]
        return self.send(
            [(":method", method), (":scheme", "https"), (":path", path), (":authority", "x"), *fields],
            body,
            flush,
        )

    def send(self, fields: Sequence[tuple[str, str]], body: bytes, flush: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.heard[stream] = Response()
        self.h2.remote_settings.max_concurrent_streams = 1 << 30  # the test decides
        self.h2.send_headers(stream, fields, end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        if flush:
            self.flush()
        return stream

    async def answer(self, stream: int) -> Response:
        """What comes on a stream, when it has ended."""
        response = self.heard[stream]
        await until(lambda: response.ended or response.reset is not None or self.gone, self.clock)
        assert response.ended, (response.reset, self.gone)
        return response

    async def pushed(self, token: str = TOKEN, payload: bytes = PAYLOAD, **headers: str) -> Response:
        """The answer to a push."""
        return await self.answer(self.push(token, payload, **headers))

    async def asked(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        """The answer to a request."""
        return await self.answer(self.request(method, path, body, **headers))


def provider_token(simulator: Simulator, **claims: Any) -> str:
    """The value of the authorization header."""
    key = simulator.provider_key
    content = {"iss": key.team_id, "iat": NOW, **claims}
    return "bearer " + jwt.encode(content, key.file.read_bytes(), "ES256", {"kid": key.key_id})


async def call(
    simulator: Simulator,
    certificate: Any = None,
    alpn: bool = True,
    token: bool = True,
    clock: Any = None,
) -> HTTP2Provider:
    """A provider whose connection is up.

    :param certificate: the file of a client certificate.
    :param token: every request has a good provider token and a topic.
    """
    own = None if certificate is None else PrivateCertificate.loadPEM(certificate.read_bytes())
    trust = Certificate.loadPEM(simulator.certificates.ca.read_bytes())
    protocols = [b"h2"] if alpn else None
    options = optionsForClientTLS("localhost", trust, own, acceptableProtocols=protocols)
    endpoint = wrapClientTLS(options, TCP4ClientEndpoint(reactor, "127.0.0.1", simulator.http2_port))
    provider = await endpoint.connect(Factory.forProtocol(HTTP2Provider))
    if token and certificate is None:
        provider.authorization = provider_token(simulator)
    await until(lambda: provider.up.called or provider.gone, clock)
    await provider.up
    return provider


def is_uuid(text: str) -> bool:
    return str(UUID(text)) == text.lower()


class HTTP2Case(TestCase):
    """A simulator that is started for a test, and providers that call it."""

    timeout = 60
    simulator: Simulator

    async def start(self, **config: object) -> HTTP2Provider:
        """A provider with tokens, of a simulator that is started for the test."""
        await self.serve(**config)
        return await self.call()

    async def serve(self, on: object = None, **config: object) -> None:
        self.simulator = make_simulator(self.mktemp(), on, **config)
        await self.simulator.start()
        self.addCleanup(self.simulator.stop)

    async def call(self, **how: object) -> HTTP2Provider:
        provider = await call(self.simulator, **how)
        self.addCleanup(lambda: provider.gone or provider.transport.abortConnection())
        return provider
