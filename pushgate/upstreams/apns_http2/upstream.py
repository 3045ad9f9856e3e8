"""One app on Apple's HTTP/2 provider API: writes what is queued, and acts on the answers."""

from typing import Final

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch
from pushgate.net.http.client_codec import ClientLimits
from pushgate.net.http.http2 import http2_client
from pushgate.plugin.interfaces import (
    Context,
    IDeclaresRules,
    IHasChannels,
    IInFlight,
    IUpstream,
    IWork,
    UpstreamState,
)
from pushgate.protocols.apns_http2.exchange import Exchange
from pushgate.protocols.apns_http2.findings import Findings, Later
from pushgate.protocols.apns_http2.requests import Header, RequestRules
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.upstreams.apns_http2.channel_management import ChannelManagement
from pushgate.upstreams.apns_http2.combination import Combination
from pushgate.upstreams.apns_http2.connection import ApnsHTTP2Connection
from pushgate.upstreams.apns_http2.credential import AppleCredential
from pushgate.upstreams.apns_http2.delayed import Delayed
from pushgate.upstreams.apns_http2.service_judge import ServiceJudge
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.common.circuit_breaker import OURS, Cause
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.connection_pool import ConnectionPool
from pushgate.upstreams.common.listening_gap import ListeningGap
from pushgate.upstreams.common.pooled_connection import RUN
from pushgate.upstreams.common.service_health import ServiceHealth
from pushgate.upstreams.common.write_turns import WriteTurns

TICK: Final = 0.25
"""Seconds between two checks of every connection: are answers missing, is it idle, is it stuck."""
_LONGEST: Final = 4 * 3600.0
"""Seconds that a notification is delayed at most before it is sent again."""


@implementer(IUpstream, IInFlight, IDeclaresRules, IHasChannels)
class ApnsHTTP2Upstream:
    """Owns a pool of connections, and decides what is written to them and what their answers mean.

    :ivar rules: what may be submitted for this app.
    :ivar channels: its channels for broadcasts.
    """

    def __init__(
        self, app: str, table: ApnsHTTP2Table, credential: AppleCredential, work: IWork, context: Context
    ) -> None:
        self._table, self._credential, self._work = table, credential, work
        self._context, self._reactor, self.wall = context, context.reactor, context.wall
        health = ServiceHealth(app, f"{table.host}:{table.port}", work, context, table.handshakes_per_minute)
        self._judge = ServiceJudge(app, health, credential)
        service = endpoint(table.host, table.port, credential.tls, context.reactor)
        self._pool: ConnectionPool[ApnsHTTP2Connection] = ConnectionPool(
            app, table, service, credential.tls, health, context, self
        )
        self._pool.closed.addBoth(self._closed)
        self._requests = _request_rules(table)
        check = Combination(self._requests, credential.topics, credential.tokens is not None)
        self.rules = replace(APNS_RULES, channels=True, check_combination=check)
        self.channels = ChannelManagement(table, credential, context)
        self._delayed = Delayed(self._reactor, work.requeue)
        self._turns = WriteTurns(self._reactor, self._take_turns)
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = self._reactor
        self._gap = ListeningGap(TICK)

    # IUpstream

    def start(self) -> None:
        self._gap.begin(self._reactor.seconds())
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
            self.channels.stop()
        return self._pool.closed

    def abort(self) -> None:
        self._turns.cancel()
        self._requeue_delayed()
        self._pool.abort()
        self.channels.abort()

    def state(self) -> UpstreamState:
        state = self._pool.state()
        return replace(state, delayed=self._delayed.size)

    def _requeue_delayed(self) -> None:
        delayed = self._delayed.empty()
        if delayed:
            self._work.requeue(delayed)

    def _closed(self, result: Failure | None) -> Failure | None:
        """All is closed, or a stop that was waited for in vain is cancelled."""
        if self._ticker.running:
            self._ticker.stop()
        return result

    # IInFlight

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        found = (each.exchange.find(batch.order, index) for each in self._pool.connections)
        return next((span for span in found if span is not None), None) or self._delayed.find(batch, index)

    # PoolOwner

    def make_connection(self) -> ApnsHTTP2Connection:
        return ApnsHTTP2Connection(self._reactor, http2_client(ClientLimits()), self._requests, self)

    def connections_wanted(self) -> int:
        return -(-self._work.depth() // RUN)

    # ConnectionOwner

    def make_exchange(self) -> Exchange:
        topic, streams = self._requests.topic, self._table.streams
        cautious = self._credential.tokens is not None
        return Exchange(topic, streams, self._table.request_timeout, cautious)

    def authorization(self) -> tuple[tuple[Header, ...], int]:
        tokens = self._credential.tokens
        if tokens is None:
            return (), 0
        header = tokens.authorization(self.wall())
        return ((b"authorization", header),), tokens.serial

    def found(self, connection: ApnsHTTP2Connection, findings: Findings) -> None:
        """Outcomes first, then dead tokens, and only then the requeue."""
        self._work.settle(findings.verdicts)
        tripped = False
        for death in findings.deaths:
            rejected = self._work.token_rejected(death.token, True, death.reason, death.since)
            tripped = rejected or tripped
        is_trial = self._judge.is_doubtful and not self._judge.is_waiting
        cause = self._judge.judge(findings, tripped, connection.exchange.proven, self.wall())
        if cause is not None:
            self._rest(leave=cause in OURS)
        if findings.leave is not None:
            connection.leave()
        self._delay(findings.later, in_queue=self._judge.is_waiting and not is_trial)
        self._work.requeue(findings.requeue)

    def ended(self, connection: ApnsHTTP2Connection, findings: Findings, cause: Cause | None) -> None:
        self._pool.connections.remove(connection)
        self.found(connection, findings)
        if not connection.retired:
            self._judge_end(connection, cause)
        self._pool.replace(connection)

    def left(self, connection: ApnsHTTP2Connection) -> None:
        self._judge_end(connection, None)

    def _judge_end(self, connection: ApnsHTTP2Connection, cause: Cause | None) -> None:
        self._pool.retry_in(self._judge.ended(connection, cause, self._has_lived(connection)))
        if connection.exchange.proven:
            self._pool.used(connection)

    # writing

    def _take_turns(self) -> None:
        """Every connection writes one run; again in the next turn of the reactor while there is more."""
        self._pool.fill()
        if self._judge.is_waiting or self._delayed.is_full:
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

    def _try_one(self, serving: list[ApnsHTTP2Connection]) -> None:
        """The service failed last: write one notification, and wait for its answer."""
        if not any(connection.in_flight for connection in serving):
            any(self._write(connection, 1) for connection in serving)

    def _write(self, connection: ApnsHTTP2Connection, limit: int = RUN) -> bool:
        """Write what there is room for; return True when there was something."""
        room = min(limit, connection.room())
        taken = self._work.take(room, connection.is_idle) if room else []
        if not taken:
            return False
        spans, rest = _parted(self._delayed.sift(taken), room)
        if rest:  # suspects that travel together, on a connection that takes fewer now
            self._work.requeue(rest)
        if spans:
            connection.write(spans)
        return True

    def _delay(self, later: list[Later], in_queue: bool) -> None:
        """Have notifications wait.

        :param in_queue: which is no retry, because the whole service is left alone; not the one whose turn it
            was to show that the service is of use again, so that it holds no others up.
        """
        for span, device in ((each.span, each.device) for each in later):
            if self._pool.is_stopping or (in_queue and not device):
                self._work.requeue([replace(span, retries=max(0, span.retries - 1))])
                continue
            first = self._table.device_delay if device else self._table.retry_delay
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

    def _has_lived(self, connection: ApnsHTTP2Connection) -> bool:
        now, since = self._reactor.seconds(), connection.ready_at
        return since is not None and now - since >= self._table.request_timeout


def _request_rules(table: ApnsHTTP2Table) -> RequestRules:
    authority = table.host if table.port == 443 else f"{table.host}:{table.port}"
    return RequestRules(authority, table.topic or "", table.default_ttl, tuple(table.push_types))


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
