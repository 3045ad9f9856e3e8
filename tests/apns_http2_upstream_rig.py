"""A gateway whose one app speaks HTTP/2 to a service in memory, on a clock that tests move."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
from twisted.internet import error
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import State
from pushgate.net.http.codec import (
    BodyData,
    CodecLimits,
    PeerGoesAway,
    RequestEnd,
    RequestHead,
    StreamReset,
)
from pushgate.net.http.http2 import http2_codec
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.apns_http2.provider_token import AGES
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.protocols.http_push.token_clock import TokenClock
from pushgate.testing import RecordingSink
from pushgate.upstreams.apns_http2.credential import AppleCredential
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.apns_http2.upstream import ApnsHTTP2Upstream
from pushgate.upstreams.common.credentials import Credentials
from tests.gateway_rig import EPOCH, GatewayRig
from tests.stream_rig import ReactorClock

TOPIC = "com.example.app"
REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 7, 8, 11


_FIRST = b"\xff" * 32
"""The token of the notification that proves a connection."""


class Request(msgspec.Struct):
    """A request as the service sees it.

    :ivar at: monotonic seconds when it was complete.
    """

    wire: "Wire"
    stream: int
    token: bytes
    headers: dict[str, str]
    body: bytes = b""
    at: float = 0.0

    def answer(self, status: int = 200, reason: str = "", **more: Any) -> None:
        """Answer as Apple does; `more` goes into the body."""
        self.wire.answer(self.stream, status, reason, **more)


Behaviour = Callable[[Request], None]


def accepts(request: Request) -> None:
    """Accept a notification at once."""
    request.answer()


def says(status: int, reason: str, **more: Any) -> Behaviour:
    """Answer every notification so."""
    return lambda request: request.answer(status, reason, **more)


def silence(request: Request) -> None:
    """Do not answer; a test may do it later."""


class Wire:
    """One connection, as its client side sees it: TLS over TCP in one.

    :ivar requests: those that are complete, in order.
    :ivar open: those of them without an answer, by stream.
    :ivar resets: streams that the client gave up.
    :ivar left: the client has sent GOAWAY.
    :ivar deaf: nothing is read or answered any more, not even a PING.
    :ivar asked: bytes that the client wrote since it became deaf.
    :ivar held: what is kept back, to come in one piece; None while nothing is.
    :ivar producer: paused while the transport is full.
    """

    connected = True
    disconnecting = False
    negotiatedProtocol = b"h2"
    producer: IPushProducer

    def __init__(self, service: "Service", connection: Any) -> None:
        self.transport, self.service, self.connection = self, service, connection
        self.codec = http2_codec(CodecLimits(streams=service.streams, window=service.window))
        self.requests: list[Request] = []
        self.open: dict[int, Request] = {}
        self.resets: list[int] = []
        self.deaf = self.left = False
        self.held: bytes | None = None
        self.asked = b""
        self._begun: dict[int, Request] = {}

    # what the client calls

    def setTcpNoDelay(self, on: bool) -> None: ...

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None: ...

    def writeSomeData(self, data: bytes) -> int:
        return len(data)

    def doRead(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.service.clock.callLater(0, self._take, data)

    def loseConnection(self) -> None:
        self.service.clock.callLater(0, self.end)

    abortConnection = loseConnection

    # what the service does

    def answer(self, stream: int, status: int = 200, reason: str = "", **more: Any) -> None:
        """Answer a request; harmless when the connection or the stream is gone."""
        if not self.connected:
            return
        self.open.pop(stream, None)
        if status == 200:
            headers = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in more.items())
            self.codec.send_head(stream, status, headers, True)
        else:
            self.codec.send_head(stream, status, (), False)
            body = json.dumps({"reason": reason, **more}).encode() if reason else b""
            self.codec.send_data(stream, body, True)
        self.deliver()

    def reset(self, stream: int, code: int) -> None:
        """End a stream with RST_STREAM."""
        self.open.pop(stream, None)
        self.codec.reset(stream, code)
        self.deliver()

    def limit(self, streams: int) -> None:
        """Announce another number of concurrent streams."""
        self.codec.limit_streams(streams)
        self.deliver()

    def go_away(self, last: int, reason: str = "", code: int = 0) -> None:
        """Send GOAWAY; those above `last` are not looked at."""
        self.open = {stream: each for stream, each in self.open.items() if stream <= last}
        self.codec.go_away(last, code, b'{"reason":"%s"}' % reason.encode() if reason else b"")
        self.deliver()

    def deliver(self, data: bytes = b"") -> None:
        """Send what there is to send."""
        data = data or self.codec.output()
        if self.held is not None:
            self.held += data
            return
        if data and self.connected and not self.deaf:
            self.connection.dataReceived(data)

    def end(self, reason: Exception | None = None) -> None:
        """Close silently, unless a reason is given."""
        if self.connected:
            self.connected = False
            self.connection.connectionLost(Failure(reason or error.ConnectionDone()))

    def _take(self, data: bytes) -> None:
        if not self.connected:
            return
        if self.deaf:
            self.asked += data
            return
        ended = [self._happened(event) for event in self.codec.receive(data)]
        self.deliver()
        for request in ended:
            if request is not None and self.connected and request.stream in self.open:
                self.service.received.append(request)
                self.service.judge(request)

    def _happened(self, event: object) -> Request | None:
        if isinstance(event, RequestHead):
            headers = {name.decode(): value.decode() for name, value in event.headers}
            token = bytes.fromhex(event.target.rpartition(b"/")[2].decode())
            self._begun[event.stream] = Request(self, event.stream, token, headers)
        elif isinstance(event, BodyData):
            self._begun[event.stream].body += event.data
        elif isinstance(event, StreamReset):
            self.resets.append(event.stream)
            self.open.pop(event.stream, None)
        elif isinstance(event, PeerGoesAway):
            self.left = True
        elif isinstance(event, RequestEnd):
            request = self._begun.pop(event.stream)
            request.at = self.service.clock.seconds()
            self.open[event.stream] = request
            self.requests.append(request)
            return request
        return None


class Service:
    """Stands for endpoint and push service.

    :ivar mood: "well", or "refuses": no connection can be made.
    :ivar judge: what is done with each request; `by_token` before it.
    :ivar opens: bytes that a new connection gets in place of SETTINGS, None for SETTINGS.
    :ivar greet: what is done with a new connection.
    :ivar attempts: of each attempt to connect, monotonic seconds.
    :ivar wires: every connection that was made.
    :ivar received: every complete request, in order.
    """

    def __init__(self, clock: ReactorClock) -> None:
        self.clock = clock
        self.mood = "well"
        self.streams, self.window = 1000, 1 << 18
        self.opens: bytes | None = None
        self.greet: Callable[[Wire], None] = lambda wire: None
        self.behaviour: Behaviour = accepts
        self.by_token: dict[bytes, Behaviour] = {}
        self.attempts: list[float] = []
        self.wires: list[Wire] = []
        self.received: list[Request] = []

    def judge(self, request: Request) -> None:
        """Do with a request what the test wants."""
        self.by_token.get(request.token, self.behaviour)(request)

    def connect(self, factory: Any) -> Deferred[Any]:
        self.attempts.append(self.clock.seconds())
        if self.mood == "refuses":
            return fail(error.ConnectionRefusedError())
        connection = factory.buildProtocol(None)
        wire = Wire(self, connection)
        self.wires.append(wire)
        connection.makeConnection(wire)
        if self.opens is not None:
            wire.codec.output()
        self.clock.callLater(0, wire.deliver, self.opens or b"")
        connection.handshakeCompleted()
        self.clock.callLater(0, self.greet, wire)
        return succeed(connection)

    def up(self) -> list[Wire]:
        """The connections that are up."""
        return [wire for wire in self.wires if wire.connected]

    def counts(self) -> Counter[bytes]:
        """How often each token came."""
        return Counter(request.token for request in self.received)


@implementer(IUpstreamFactory)
class MemoryHTTP2:
    """Makes real pools that connect to a service in memory.

    :ivar service: the same for all.
    :ivar made: the last one.
    """

    made: ApnsHTTP2Upstream
    name, description, config, rules = "apns-http2", "in memory", ApnsHTTP2Table, APNS_RULES

    def __init__(self, clock: ReactorClock) -> None:
        self.service = Service(clock)

    def upstream(self, app: str, config: ApnsHTTP2Table, work: IWork, context: Context) -> ApnsHTTP2Upstream:
        unused: Any = None
        tokens = None if config.key_file is None else TokenClock(lambda at: f"token-{at}", AGES)
        credential = AppleCredential(Credentials(unused), tokens)
        self.made = upstream = ApnsHTTP2Upstream(app, config, credential, work, context)
        upstream._pool._endpoint = self.service
        return upstream


KEY = {"key_file": "AuthKey_ABC123DEFG.p8", "team_id": "DEF123GHIJ", "topic": TOPIC}
CERTIFICATE = {"certificate": "x.pem", "topic": TOPIC}


class HTTP2Rig(GatewayRig):
    """The app `news` on a service in memory.

    :param chance: what the dice show.
    :param app: settings of the app; with a provider key unless it has a `certificate`.
    """

    def __init__(self, chance: float = 0.0, **app: Any) -> None:
        self.clock, self.epoch, self.metrics = ReactorClock(), float(EPOCH), Metrics()
        self.context = Context(
            reactor=self.clock, wall=self.wall, jitter=lambda: chance, metrics=self.metrics
        )
        self.sink = RecordingSink()
        self.gateway = Gateway(self.context, MemorySpool(self.clock), Limits(), count(1).__next__)
        credential = CERTIFICATE if "certificate" in app else KEY
        table = {"upstream": "apns-http2", "host": "localhost", "connections": 1, **credential, **app}
        self.memory = MemoryHTTP2(self.clock)
        self.gateway.add_app("news", ApnsHTTP2Table.model_validate(table), self.memory)
        self.gateway.attach("sink", self.sink, 1_000_000)
        self.started = self.gateway.start()
        self.run(0.1)

    @property
    def service(self) -> Service:
        """What it connects to."""
        return self.memory.service

    @property
    def http2(self) -> ApnsHTTP2Upstream:
        """The upstream of `news`."""
        return self.memory.made

    def run(self, seconds: float, step: float = 0.05) -> None:
        """Let time pass, in steps fine enough for timers that follow from each other."""
        self.clock.pump([step] * round(seconds / step))

    def prove(self) -> None:
        """Have one notification accepted, so that the service has shown to be of use."""
        self.submit([_FIRST])
        self.run(0.5)
        self.service.received.clear()

    def app(self) -> dict[str, Any]:
        """What `Stats` says of it."""
        stats: dict[str, Any] = self.gateway.stats()["apps"]["news"]
        return stats

    @property
    def circuit(self) -> tuple[bool, str]:
        """Whether the circuit is open, and its cause."""
        return self.app()["circuit"]["open"], self.app()["circuit"]["cause"]

    def outcomes(self) -> dict[bytes, tuple[State, str]]:
        """State and reason of each token; a token must have had one outcome only."""
        reported = [each for each in self.reported() if each[0] != _FIRST]
        assert max(Counter(each for each, _, _ in reported).values(), default=1) == 1, "reported twice"
        return {each: (state, reason) for each, state, reason in reported}

    def dead(self) -> list[bytes]:
        """The tokens in the register of dead ones."""
        return [each.token for each in self.gateway.dead_tokens("news", b"", 1000)]
