"""A gateway whose one app speaks the binary stream to a service in memory, on a clock that tests move."""

from itertools import count
from typing import Any

from twisted.internet import error
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorPluggableNameResolver
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.model.metrics import Metrics
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.apns_binary.error_response import ErrorResponse, encode
from pushgate.protocols.apns_binary.frames import Frame, FrameDecoder
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.testing import RecordingSink
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.apns_binary.upstream import ApnsBinaryUpstream
from pushgate.upstreams.common.credentials import Credentials
from tests.gateway_rig import EPOCH, GatewayRig

DAY = 86400.0


@implementer(IReactorPluggableNameResolver)
class ReactorClock(Clock):
    """A clock that endpoints take for a reactor."""

    nameResolver = None

    def installNameResolver(self, resolver: object) -> None:
        """Never called."""


class Wire:
    """One connection, as its client side sees it: TLS over TCP in one.

    :ivar tokens: what came over it, without probes.
    :ivar unacknowledged: bytes on their way, as the system would say.
    """

    connected = True
    unacknowledged: int | None = 0

    def __init__(self, service: "Service", connection: Any) -> None:
        self.transport = self.socket = self
        self._service, self._connection = service, connection
        self._decoder = FrameDecoder()
        self.tokens: list[bytes] = []

    def setTcpNoDelay(self, on: bool) -> None: ...

    def setTcpKeepAlive(self, on: bool) -> None: ...

    def registerProducer(self, producer: object, streaming: bool) -> None: ...

    def unregisterProducer(self) -> None: ...

    def writeSomeData(self, data: bytes) -> int:
        return len(data)

    def doRead(self) -> None: ...

    def writeSequence(self, data: list[bytes]) -> None:
        self._write(b"".join(data))

    def write(self, data: bytes) -> None:
        self._write(data)

    def _write(self, data: bytes) -> None:
        self.writeSomeData(data)
        for frame in self._decoder.feed(data):
            assert isinstance(frame, Frame)
            self._service.clock.callLater(0, self._take, frame)

    def loseConnection(self) -> None:
        self._service.clock.callLater(0, self.end)

    abortConnection = loseConnection

    def answer(self, status: int, identifier: int) -> None:
        """Answer, and close."""
        if self.connected:
            self._connection.dataReceived(encode(ErrorResponse(status, identifier)))
            self.end()

    def end(self) -> None:
        """Close silently."""
        if self.connected:
            self.connected = False
            self._connection.connectionLost(Failure(error.ConnectionDone()))

    def _take(self, frame: Frame) -> None:
        if not self.connected:
            return
        if not frame.token:
            if self._service.answers_probes:
                self.answer(2, 0)
        elif self._service.closes_on == frame.token:
            self.end()
        else:
            self.tokens.append(frame.token)


class Service:
    """Stands for endpoint and push service.

    :ivar mood: "well", "refuses", or "closes": accepts, and closes at once.
    :ivar attempts: of each attempt to connect, monotonic seconds.
    :ivar wires: every connection that was made.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.mood = "well"
        self.answers_probes = True
        self.closes_on: bytes | None = None
        self.attempts: list[float] = []
        self.wires: list[Wire] = []

    def connect(self, factory: Any) -> Deferred[Any]:
        self.attempts.append(self.clock.seconds())
        if self.mood == "refuses":
            return fail(error.ConnectionRefusedError())
        connection = factory.buildProtocol(None)
        wire = Wire(self, connection)
        self.wires.append(wire)
        connection.makeConnection(wire)
        connection.handshakeCompleted()
        if self.mood == "closes":
            self.clock.callLater(0, wire.end)
        return succeed(connection)

    def open(self) -> list[Wire]:
        """The connections that are up."""
        return [wire for wire in self.wires if wire.connected]


@implementer(IUpstreamFactory)
class MemoryStream:
    """Makes real pools that connect to a service in memory.

    :ivar service: the same for all.
    """

    name, description, config, rules = "apns-stream", "in memory", ApnsStreamTable, APNS_RULES

    def __init__(self, clock: Clock, days: float) -> None:
        self.service, self._days = Service(clock), days

    def upstream(
        self, app: str, config: ApnsStreamTable, work: IWork, context: Context
    ) -> ApnsBinaryUpstream:
        unused: Any = None
        credentials = Credentials(unused, unused, (), EPOCH - DAY, EPOCH + self._days * DAY)
        unacknowledged = lambda wire: wire.unacknowledged  # noqa: E731 - too short for a name
        upstream = ApnsBinaryUpstream(app, config, credentials, work, context, unacknowledged)
        upstream._pool._endpoint = self.service
        return upstream


class StreamRig(GatewayRig):
    """The app `news` on a service in memory.

    :param days: how long its certificate is valid from now on.
    :param chance: what the dice show.
    """

    def __init__(self, days: float = 365.0, chance: float = 0.0, **app: Any) -> None:
        self.clock, self.epoch, self.metrics = ReactorClock(), float(EPOCH), Metrics()
        self.context = Context(
            reactor=self.clock, wall=self.wall, jitter=lambda: chance, metrics=self.metrics
        )
        self.sink = RecordingSink()
        self.gateway = Gateway(self.context, MemorySpool(self.clock), Limits(), count(1).__next__)
        table = {"upstream": "apns-stream", "certificate": "x", "host": "localhost", "feedback": False, **app}
        self.stream = MemoryStream(self.clock, days)
        self.gateway.add_app("news", ApnsStreamTable.model_validate(table), self.stream)
        self.gateway.attach("sink", self.sink, 1_000_000)
        self.started = self.gateway.start()

    @property
    def service(self) -> Service:
        """What it connects to."""
        return self.stream.service

    def run(self, seconds: float, step: float = 0.05) -> None:
        """Let time pass, in steps fine enough for timers that follow from each other."""
        self.clock.pump([step] * round(seconds / step))

    def app(self) -> dict[str, Any]:
        """What `Stats` says of it."""
        stats: dict[str, Any] = self.gateway.stats()["apps"]["news"]
        return stats
