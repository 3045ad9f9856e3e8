"""One connection to a push service over HTTP: a thin pump between the codec and the pure exchange."""

from typing import Any, Final, Protocol

from h2.errors import ErrorCodes
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Event, Step
from pushgate.net.http.client_codec import (
    Abandoned,
    Answered,
    Broken,
    ClientCodec,
    ClientEvent,
    GoingAway,
    PingAnswered,
    RequestForm,
    StreamLimit,
    Unprocessed,
)
from pushgate.protocols.http_push.exchange import Exchange
from pushgate.protocols.http_push.findings import Findings
from pushgate.protocols.http_push.service import Header, PushService
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.pooled_connection import RUN, PooledConnection

PING_TIMEOUT: Final = 10.0
"""Seconds for the service to answer a PING before the connection is given up."""
ROTATE: Final = 1 << 30
"""The stream after which no more requests are made: half of those there are, so that it is never in haste."""


class ConnectionOwner(Protocol):
    """An upstream, as its connections call it."""

    def make_codec(self, protocol: bytes | None) -> ClientCodec:
        """Make the codec of a connection.

        :param protocol: that ALPN agreed on, None when it agreed on none.
        """

    def make_exchange(self) -> Exchange:
        """Make the state of a connection that is ready."""

    def authorization(self) -> tuple[tuple[Header, ...], int]:
        """Return the headers that authenticate a request now, and the serial of the token in them."""

    @property
    def is_doubtful(self) -> bool:
        """Whether the service failed last, so that a connection of no use is its fault."""

    def wall(self) -> float:
        """Unix seconds."""

    def wake(self) -> None:
        """Write soon: a connection can write more than it could."""

    def found(self, connection: "HTTPPushConnection", findings: Findings) -> None:
        """Draw the conclusions from what came."""

    def ended(self, connection: "HTTPPushConnection", findings: Findings, cause: Cause | None) -> None:
        """Draw the conclusions from the end of a connection that was ready.

        :param cause: as TLS gave it, if it did.
        """

    def left(self, connection: "HTTPPushConnection") -> None:
        """Draw the conclusions from a GOAWAY, when nothing is in flight any more: we close now."""


class HTTPPushConnection(PooledConnection):
    """Writes when there is work, room under the stream limit and room in the transport.

    :param service: makes the requests.
    :ivar exchange: its state, once it is ready.
    :ivar goaway_debug: the debug data of the service's GOAWAY, None before one came.
    :ivar fault: what rule of HTTP/2 the service broke, "" for none.
    """

    exchange: Exchange
    _codec: ClientCodec

    def __init__(self, reactor: Any, service: PushService, owner: ConnectionOwner) -> None:
        super().__init__(reactor)
        self._service, self._owner = service, owner
        self._leaving = False
        self.goaway_debug: bytes | None = None
        self.fault = ""
        self._pinged_at: float | None = None
        self._there_at = float("-inf")
        self._forms: dict[tuple[int, str, int], RequestForm] = {}

    # Twisted's side

    def dataReceived(self, data: bytes) -> None:
        if self.ready_at is None:
            return
        for event in self._codec.receive(data):
            self._happened(event)
        self._conclude()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.ready_at is not None and reason.check(ConnectionDone) and not self.vanished:
            for event in self._codec.finish():  # a body may end with its connection, but is not cut off by it
                self._happened(event)
        super().connectionLost(reason)

    # the protocol of a pooled connection

    @property
    def usable(self) -> bool:
        return not self.closing and not self._leaving and self._codec.last_stream < ROTATE

    @property
    def in_flight(self) -> int:
        return self.exchange.in_flight

    def begin(self) -> None:
        self._codec = self._owner.make_codec(self._transport().negotiatedProtocol)
        self.exchange = self._owner.make_exchange()
        if self._codec.streams is not None:
            self.exchange.limited(self._codec.streams)
        self._flush()

    def has_room(self) -> None:
        self._owner.wake()

    def has_ended(self, cause: Cause | None) -> None:
        never = cause in failure_causes.REJECTIONS  # then nothing that was written was looked at
        findings = self.exchange.ended(
            lambda stream: never or self._codec.is_unsent(stream),
            "ConnectionLost",
            self._owner.wall(),
            vanished=self.vanished or self._is_doubtful or (bool(self.fault) and not self.exchange.proven),
        )
        self._owner.ended(self, findings, cause)

    def say_goodbye(self) -> None:
        self._codec.close()
        self._flush()

    # the side of its owner

    @property
    def is_idle(self) -> bool:
        """Whether a notification may be written that must be alone."""
        return not self.exchange.in_flight

    def room(self) -> int:
        """How many notifications may be written now."""
        if not self.usable or self.blocked_since is not None:
            return 0
        return min(RUN, self.exchange.room())

    def write(self, spans: list[BatchSlice]) -> None:
        """Write slices of `room` members at most."""
        self.exchange.number = self.number
        now, step = self._reactor.seconds(), Step(Event.WRITTEN, self._owner.wall(), self.number)
        authorization, serial = self._owner.authorization()
        for span in spans:
            self._open(span.written(step), now, authorization, serial)
        self.busy_at = now
        self._flush()

    def check(self, now: float, ping_interval: float) -> None:
        """Look after it from time to time: answers that are missing, idleness, and the end of a goodbye.

        While other requests are answered, one that is overdue is given up. When none is, PING decides:
        without an answer to it, the other side is gone; with one, a request that was alone is to blame.
        HTTP/1.1 has no PING, and no other requests: with the answer the connection is given up.
        """
        self.exchange.resume()
        overdue = self.exchange.overdue(now)
        if not self._codec.can_ping:
            self._check_http1(overdue)
            return
        silent = bool(overdue) and self.exchange.is_silent(now)
        is_there = now - self._there_at < PING_TIMEOUT
        if silent and is_there and self.exchange.in_flight == 1:
            self._give_up(overdue[0], later=True)  # so that it holds no others up
        if (silent and is_there) or self._is_unheard(now):
            self.vanish()
            return
        for stream in [] if silent else overdue:
            self._give_up(stream)
        if self._pinged_at is None and (overdue or now - max(self.busy_at, self._there_at) >= ping_interval):
            self._pinged_at = now
            self._codec.ping()
        self._flush()
        self._conclude()

    @property
    def protocol_fault(self) -> Cause:
        """What it is when the service broke a rule of the protocol."""
        return Cause.NOT_HTTP2 if self._codec.can_ping else Cause.NOT_HTTP

    @property
    def was_of_use(self) -> bool:
        """Whether its end says nothing of the service. Over HTTP/1.1 any answer may be the last."""
        return self.exchange.proven or (not self._codec.can_ping and self.exchange.has_answered)

    def leave(self) -> None:
        """Write nothing more; close when what is in flight has its answers."""
        self._leaving = True

    # within

    def _check_http1(self, overdue: list[int]) -> None:
        """Give up a request that is overdue. It is to blame unless the service is in doubt."""
        if overdue:
            why, wall, vanished = "NoAnswer", self._owner.wall(), self._is_doubtful
            self.exchange.unanswered(overdue[0], why, wall, later=True, vanished=vanished)
            self._conclude()
            self.vanish()

    @property
    def _is_doubtful(self) -> bool:
        """Whether nothing written on it is to blame for its end."""
        return self._owner.is_doubtful and not self.exchange.proven

    def _is_unheard(self, now: float) -> bool:
        """Whether a PING was not answered in time."""
        return self._pinged_at is not None and now - self._pinged_at >= PING_TIMEOUT

    def _give_up(self, stream: int, *, later: bool = False) -> None:
        """Wait no longer for an answer; see `Exchange.unanswered`."""
        if self._codec.is_unsent(stream):
            self.exchange.unprocessed(stream, self._owner.wall())
        else:
            self.exchange.unanswered(stream, "NoAnswer", self._owner.wall(), later=later)
        self._codec.cancel(stream)

    def _open(self, span: BatchSlice, now: float, authorization: tuple[Header, ...], serial: int) -> None:
        """Make the requests of a slice."""
        service, codec, exchange = self._service, self._codec, self.exchange
        for member in service.members(span):
            key = span.batch.order, member.kind, serial
            form = self._forms.get(key)
            if form is None:
                form = self._form(key, (*authorization, *service.fields(span, member.kind)))
            stream = codec.open(form, member.path, member.unlike, member.body)
            exchange.opened(stream, span, member.index, now, serial)

    def _form(self, key: tuple[int, str, int], fields: tuple[Header, ...]) -> RequestForm:
        """Make what requests of one batch and kind have in common; the last ones are kept."""
        if len(self._forms) >= RUN:
            self._forms.clear()
        form = self._forms[key] = RequestForm(self._service.pseudo, fields)
        return form

    def _happened(self, event: ClientEvent) -> None:
        exchange = self.exchange
        if isinstance(event, Answered):
            now, wall = self._reactor.seconds(), self._owner.wall()
            exchange.answered(event.stream, event.status, event.headers, event.body, wall, now)
        elif isinstance(event, Unprocessed):
            exchange.unprocessed(event.stream, self._owner.wall())
        elif isinstance(event, Abandoned):
            exchange.unanswered(event.stream, _name(event.code), self._owner.wall())
        else:
            self._happened_to_all(event)

    def _happened_to_all(self, event: ClientEvent) -> None:
        if isinstance(event, StreamLimit):
            self.exchange.limited(event.streams)
        elif isinstance(event, GoingAway):
            self._leaving, self.goaway_debug = True, event.debug
        elif isinstance(event, PingAnswered):
            self._pinged_at, self._there_at = None, self._reactor.seconds()
        elif isinstance(event, Broken):
            self.fault = event.text
            self.abort()

    def _conclude(self) -> None:
        """Pass on what follows from what came."""
        self._owner.found(self, self.exchange.findings())
        self._flush()
        if not self.closing and not self.usable and not self.exchange.in_flight:
            if self.goaway_debug is not None:
                self._owner.left(self)
            self.close()
        elif not self.closing:
            self._owner.wake()

    def _flush(self) -> None:
        data = self._codec.output()
        if data and not self.closing:
            self._transport().write(data)


def _name(code: int) -> str:
    try:
        return f"StreamReset: {ErrorCodes(code).name.lower().replace('_', ' ')}"
    except ValueError:
        return f"StreamReset: code {code}"
