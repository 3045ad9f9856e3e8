"""Sending one app's notifications over HTTP: writes what is queued, and acts on the answers."""

from typing import Final

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch
from pushgate.net.http.client_codec import ClientCodec
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IInFlight, IUpstream, IWork, UpstreamState
from pushgate.protocols.http_push.exchange import Exchange
from pushgate.protocols.http_push.findings import Findings, Later
from pushgate.protocols.http_push.service import Header
from pushgate.upstreams.common.circuit_breaker import OURS, Cause
from pushgate.upstreams.common.connection_pool import ConnectionPool
from pushgate.upstreams.common.http_push.authorization import Unauthorized
from pushgate.upstreams.common.http_push.connection import HTTPPushConnection
from pushgate.upstreams.common.http_push.delayed import Delayed
from pushgate.upstreams.common.http_push.server import Server
from pushgate.upstreams.common.http_push.service_judge import ServiceJudge
from pushgate.upstreams.common.http_push.settings import HTTPPushTable
from pushgate.upstreams.common.listening_gap import ListeningGap
from pushgate.upstreams.common.pooled_connection import RUN
from pushgate.upstreams.common.service_health import ServiceHealth
from pushgate.upstreams.common.write_turns import WriteTurns

TICK: Final = 0.25
"""Seconds between two checks of every connection: are answers missing, is it idle, is it stuck."""
_LONGEST: Final = 4 * 3600.0
"""Seconds that a notification is delayed at most before it is sent again."""


@implementer(IUpstream, IInFlight)
class HTTPPushUpstream:
    """Owns a pool of connections, and decides what is written to them and what their answers mean."""

    def __init__(self, app: str, table: HTTPPushTable, server: Server, work: IWork, context: Context) -> None:
        self._table, self._server, self._work = table, server, work
        self._context, self._reactor, self.wall = context, context.reactor, context.wall
        health = ServiceHealth(app, server.where, work, context, table.handshakes_per_minute)
        self._judge = ServiceJudge(health, server.service, server.authorization, server.key)
        self._pool: ConnectionPool[HTTPPushConnection] = ConnectionPool(
            app, table, server.endpoint, server.tls, health, context, self
        )
        self._pool.closed.addBoth(self._closed)
        self._delayed = Delayed(self._reactor, work.requeue)
        self._turns = WriteTurns(self._reactor, self._take_turns)
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = self._reactor
        self._gap = ListeningGap(TICK)
        self._at_a_time = RUN
        self._tried = (-1, -1)
        self._authorized: tuple[tuple[Header, ...], int] | None = None

    # IUpstream

    def start(self) -> None:
        self._gap.begin(self._reactor.seconds())
        self._server.authorization.attach(self)
        self._ticker.start(TICK, now=False)
        self._pool.start()

    def wake(self) -> None:
        if not self._pool.is_stopping:
            self._turns.ask()

    def stop(self) -> Deferred[None]:
        if not self._pool.is_stopping:
            self._turns.cancel()
            self._pool.stop_connecting()
            self._requeue_delayed()
            self._pool.close_idle()
        return self._pool.closed

    def abort(self) -> None:
        self._turns.cancel()
        self._requeue_delayed()
        self._pool.abort()

    def state(self) -> UpstreamState:
        state = self._pool.state()
        return replace(state, delayed=self._delayed.size)

    def _requeue_delayed(self) -> None:
        delayed = self._delayed.empty()
        if delayed:
            self._work.requeue(delayed)

    def _closed(self, result: Failure | None) -> Failure | None:
        """All is closed, or a stop that was waited for in vain is cancelled."""
        self._server.authorization.detach(self)
        if self._ticker.running:
            self._ticker.stop()
        return result

    # IInFlight

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        found = (each.exchange.find(batch.order, index) for each in self._pool.connections)
        return next((span for span in found if span is not None), None) or self._delayed.find(batch, index)

    # PoolOwner

    def make_connection(self) -> HTTPPushConnection:
        return HTTPPushConnection(self._reactor, self._server.service, self)

    def connections_wanted(self) -> int:
        return -(-self._work.depth() // self._at_a_time)

    # ConnectionOwner

    def make_codec(self, protocol: bytes | None) -> ClientCodec:
        codec = self._server.codec(protocol)
        self._at_a_time = codec.streams or RUN
        return codec

    def make_exchange(self) -> Exchange:
        table, server = self._table, self._server
        return Exchange(
            server.service, table.streams, table.request_timeout, server.authorization.needs_proof
        )

    def authorization(self) -> tuple[tuple[Header, ...], int]:
        assert self._authorized is not None  # nothing is written before
        return self._authorized

    @property
    def is_doubtful(self) -> bool:
        return self._judge.is_doubtful

    def unauthorized(self, refusal: Unauthorized) -> None:
        self._pool.retry_in(self._judge.unauthorized(refusal))

    def found(self, connection: HTTPPushConnection, findings: Findings) -> None:
        """Outcomes first, then dead tokens, and only then the requeue.

        What was accepted speaks for the environment, but not for refusals that came before it: it is settled
        when those have been looked at.
        """
        self._work.settle(findings.verdicts)
        tripped = False
        for death in findings.deaths:
            rejected = self._work.token_rejected(death.token, death.first, death.reason, death.since)
            tripped = rejected or tripped
        self._work.settle(findings.accepted)
        is_trial = self._judge.is_doubtful and not self._judge.is_waiting
        cause = self._judge.judge(findings, tripped, connection.exchange.proven, self.wall())
        if cause is not None:
            self._rest(leave=cause in OURS)
        if findings.leave is not None:
            connection.leave()
        self._delay(findings.later, in_queue=self._judge.is_waiting and not is_trial)
        self._work.requeue(findings.requeue)

    def ended(self, connection: HTTPPushConnection, findings: Findings, cause: Cause | None) -> None:
        self._pool.connections.remove(connection)
        self.found(connection, findings)
        if not connection.retired:
            self._judge_end(connection, cause)
        self._pool.replace(connection)

    def left(self, connection: HTTPPushConnection) -> None:
        self._judge_end(connection, None)

    def _judge_end(self, connection: HTTPPushConnection, cause: Cause | None) -> None:
        self._pool.retry_in(self._judge.ended(connection, cause, self._has_lived(connection)))
        if connection.exchange.proven:
            self._pool.used(connection)

    # writing

    def _take_turns(self) -> None:
        """Every connection writes one run; again in the next turn of the reactor while there is more."""
        self._pool.fill()
        if self._judge.is_waiting or self._delayed.is_full:
            return
        self._authorized = self._server.authorization.headers(self.wall())  # for the whole turn
        if self._authorized is None:
            return
        serving, written = self._pool.connections.serving(), False
        if self._judge.is_doubtful:
            self._try_one(serving)
            return
        suspects = self._work.has_suspects()
        for index, connection in enumerate(serving):
            if suspects and index == 0 and not connection.is_idle:
                continue  # this connection falls idle, so that the suspects get their turn
            written = self._write(connection) or written
        if written:
            self._pool.busy_at = self._reactor.seconds()
            self.wake()

    def _try_one(self, serving: list[HTTPPushConnection]) -> None:
        """The service failed last: write one notification, and wait for its answer.

        Not the one that was tried last, if there is another: it may be what the service fails at.
        """
        if any(connection.in_flight for connection in serving):
            return
        for connection in serving:
            taken = self._work.take(1, connection.is_idle) if connection.room() else []
            if taken and taken[0].place == self._tried and (others := self._work.take(1, connection.is_idle)):
                self._work.requeue(taken)
                taken = others
            if taken:
                self._tried = taken[0].place
                self._send(connection, taken, 1)
                return

    def _write(self, connection: HTTPPushConnection) -> bool:
        """Write what there is room for; return True when there was something."""
        room = min(RUN, connection.room())
        taken = self._work.take(room, connection.is_idle) if room else []
        if taken:
            self._send(connection, taken, room)
        return bool(taken)

    def _send(self, connection: HTTPPushConnection, taken: list[BatchSlice], room: int) -> None:
        """Write `room` of what was taken, but for what has to wait for its device."""
        spans, rest = _parted(self._delayed.sift(taken), room)
        if rest:  # suspects that travel together, on a connection that takes fewer now
            self._work.requeue(rest)
        if spans:
            connection.write(spans)

    def _delay(self, later: list[Later], in_queue: bool) -> None:
        """Have notifications wait.

        :param in_queue: which is no retry, because the whole service is left alone; not the one whose turn it
            was to show that the service is of use again, so that it holds no others up.
        """
        for span, device, after in ((each.span, each.device, each.after) for each in later):
            if self._pool.is_stopping or (in_queue and not device):
                self._work.requeue([replace(span, retries=max(0, span.retries - 1))])
                continue
            first = self._table.device_delay if device else self._table.retry_delay
            first = max(first, after)
            seconds = min(_LONGEST, first * 2 ** max(0, span.retries - 1)) * (1 + self._context.jitter() / 4)
            (self._delayed.add_device if device else self._delayed.add)(span, seconds)

    def _rest(self, leave: bool) -> None:
        """Nothing is sent for a while.

        :param leave: what is connected was made with a credential that is refused.
        """
        if leave:
            for connection in self._pool.connections:
                connection.leave()
        self._pool.retry_in(self._judge.wait())

    def _tick(self) -> None:
        now = self._reactor.seconds()
        if self._gap.means(min(self._table.request_timeout, 10 * TICK), now):
            for connection in self._pool.connections:
                if not self._pool.abort_if_stalled(connection):
                    connection.check(now, self._table.ping_interval)
        self._pool.close_idle()
        if self._work.depth():
            self.wake()

    def _has_lived(self, connection: HTTPPushConnection) -> bool:
        now, since = self._reactor.seconds(), connection.ready_at
        return since is not None and now - since >= self._table.request_timeout


def _parted(spans: list[BatchSlice], room: int) -> tuple[list[BatchSlice], list[BatchSlice]]:
    """The first `room` members, and the rest."""
    fitting, rest = list[BatchSlice](), list[BatchSlice]()
    for span in spans:
        middle = min(span.stop, span.start + room)
        if middle > span.start:
            fitting.append(span.part(span.start, middle))
        if middle < span.stop:
            rest.append(span.part(middle, span.stop))
        room -= middle - span.start
    return fitting, rest
