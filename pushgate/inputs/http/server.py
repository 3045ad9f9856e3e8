"""What the connections of one HTTP door share."""

from typing import Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IProtocolNegotiationFactory, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols.policies import WrappingFactory
from twisted.web import http
from zope.interface import implementer

from pushgate.errors import Overloaded, Refusal
from pushgate.exposition import Exposition
from pushgate.inputs.brake import Brake
from pushgate.inputs.gather import Gatherer
from pushgate.inputs.http.connection import Connection
from pushgate.inputs.http.events import Events
from pushgate.inputs.http.request import BodyReader, Request
from pushgate.inputs.http.routes import find_route
from pushgate.inputs.http.table import HTTPTable
from pushgate.inputs.http.waits import Waits
from pushgate.inputs.pressure import FullQueues
from pushgate.inputs.visitor import Porter
from pushgate.interfaces import Context, IGateway

SWEEP: Final = 1.0
"""Seconds between two looks for connections that are too slow."""


class _Protocols(http.HTTPFactory):
    """Makes twisted.web's protocols, without its timeouts and its access log."""

    noisy = False

    def startFactory(self) -> None:
        """There is no log to open."""

    def stopFactory(self) -> None:
        """There is none to close."""

    def log(self, request: http.Request) -> None:
        """Log nothing: at the rate of pushes a line each would cost more than the push."""


@implementer(IProtocolNegotiationFactory)
class HTTPServer(WrappingFactory[Connection]):
    """Makes connections and knows which there are.

    :param name: the door's name.
    :ivar stopping: nothing new is taken.
    """

    noisy = False
    log = Logger()

    def __init__(
        self, name: str, config: HTTPTable, gateway: IGateway, context: Context, porter: Porter
    ) -> None:
        self.clock: IReactorTime = context.reactor
        super().__init__(_Protocols(timeout=None, reactor=self.clock))  # type: ignore[arg-type,no-untyped-call]  # None: no timeout, as documented
        self.name, self.config, self.gateway, self.tally = name, config, gateway, context.tally
        self.wall, self.porter = context.wall, porter
        self.gatherer = Gatherer(lambda submission: gateway.submit(submission, name), self.clock)
        self.waits = Waits(f"{name}.wait", gateway, self.clock)
        self.events = Events(name, config, gateway, context)
        self.exposition = Exposition(context.tally, gateway.stats)
        self.stopping = False
        self._body_bytes = 0
        self._date, self._date_until = b"", 0.0
        self._full = False
        self._idle: Deferred[None] | None = None
        self._empty: Deferred[None] | None = None
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = self.clock
        self._swept_at = 0.0

    def buildProtocol(self, addr: IAddress | None) -> Connection | None:  # type: ignore[override]  # None: too many
        """A connection, or None when there are too many."""
        full = len(self.protocols) >= self.config.max_connections
        if full and not self._full:
            self.log.warn(
                "door {name}: {count} connections, further ones are closed (max_connections)",
                name=self.name,
                count=len(self.protocols),
            )
        self._full = full
        if full or self.stopping:
            return None
        channel = self.wrappedFactory.buildProtocol(addr)
        connection = Connection(self, channel)
        channel.requestFactory = connection.request
        return connection

    def acceptableProtocols(self) -> list[bytes]:
        """What a TLS connection may speak, best first."""
        return [b"h2", b"http/1.1"] if http.H2_ENABLED else [b"http/1.1"]

    def now(self) -> float:
        """Monotonic seconds."""
        return self.clock.seconds()

    # called by the requests

    def reader(self, request: Request) -> BodyReader:
        """What reads the body of a request and answers it; raise what is wrong with its head."""
        return find_route(request)(request)

    def reserve(self, size: int) -> None:
        """Take room for bytes of a body; `size` below zero gives it back.

        :raises Overloaded: there is none.
        """
        if size > 0 and self._body_bytes + size > self.config.max_bodies:
            raise Overloaded("bodies being read (bytes)", self._body_bytes, self.config.max_bodies)
        self._body_bytes += size

    def full_queues(self, brake: Brake) -> FullQueues:
        """What holds this brake of a connection while a queue that it feeds is nearly full."""
        return FullQueues(self.gateway, brake, self.clock, self.name, self.tally.count)

    def count_refusal(self, app: str, refusal: Refusal) -> None:
        """Count what was refused before the gateway saw it."""
        label = app if self.gateway.has_app(app) else ""
        self.tally.count("pushgate_refused_total", label, self.name, refusal.code)

    def date(self) -> bytes:
        """The time as headers have it."""
        now = self.now()
        if now >= self._date_until:
            self._date, self._date_until = http.datetimeToString(self.wall()), now + 1.0
        return self._date

    def finished(self) -> None:
        """A request or a connection ended."""
        if self._idle is not None and not any(connection.requests for connection in self.protocols):
            idle, self._idle = self._idle, None
            idle.callback(None)
        if self._empty is not None and not self.protocols:
            empty, self._empty = self._empty, None
            empty.callback(None)

    # called by the door

    def start(self) -> None:
        """Begin to look for what is too slow."""
        self._swept_at = self.now()
        self._sweeper.start(SWEEP, now=False)

    def idle(self) -> Deferred[None]:
        """Fires when every request is answered."""
        self.stopping = True
        for connection in list(self.protocols):
            if not connection.requests:
                connection.close()
        idle = self._idle = Deferred[None]()
        self.finished()
        return idle

    def close(self) -> Deferred[None]:
        """Close every connection; fires when all are."""
        if not self.protocols:
            return succeed(None)
        self._empty = empty = Deferred[None]()
        for connection in list(self.protocols):
            connection.close()
        return empty

    def abort(self) -> None:
        """Close every connection at once, and end all else."""
        for connection in list(self.protocols):
            connection.abortConnection()
        if self._sweeper.running:
            self._sweeper.stop()

    def _sweep(self) -> None:
        now = self.now()
        interval, self._swept_at = now - self._swept_at, now
        for connection in list(self.protocols):
            connection.sweep(now, interval)
