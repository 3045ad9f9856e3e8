"""One app on the APNs binary stream: writes what is queued, and draws the conclusions from each end.

Suspects are notifications that may close every connection they are sent on: `lost_in_flight.lost` sets
`BatchSlice.closes` and `alone` on them. Of the queue, only `IWork.has_suspects` and the `idle` of
`IWork.take` serve them.
"""

from typing import Final

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import Invalid
from pushgate.model.notification import Batch
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import State
from pushgate.net.tcp_loss import Unacknowledged, unacknowledged
from pushgate.plugin.context import Context
from pushgate.plugin.mdm_interface import IWakesDevices
from pushgate.plugin.upstream_interface import (
    IDeclaresRules,
    IInFlight,
    IProving,
    IUpstream,
    IWork,
    UpstreamState,
)
from pushgate.protocols.apns_binary.connection import Stream
from pushgate.protocols.apns_binary.connection_end import End, Ending
from pushgate.protocols.apns_binary.status import DEAD
from pushgate.upstreams.apns_binary.connection import StreamConnection
from pushgate.upstreams.apns_binary.end_judge import EndJudge
from pushgate.upstreams.apns_binary.feedback_poll import FeedbackPoll
from pushgate.upstreams.apns_binary.probe import Probe
from pushgate.upstreams.apns_binary.requeue import noted
from pushgate.upstreams.apns_binary.rules import mdm_topic, rules_of
from pushgate.upstreams.apns_binary.run_ahead import RunAhead
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.connection_pool import ConnectionPool
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.listening_gap import ListeningGap
from pushgate.upstreams.common.mdm import managed_topic
from pushgate.upstreams.common.pooled_connection import RUN
from pushgate.upstreams.common.service_health import ServiceHealth
from pushgate.upstreams.common.write_turns import WriteTurns

TICK: Final = 0.25
"""Seconds between two checks of every connection: what became presumed, which are idle, which are stuck."""
LATEST_PRESUMPTION: Final = 60.0
"""Seconds to which the response timeout may grow when errors come later than it."""
PROBE_TIMEOUT: Final = 10.0
"""Seconds beyond the response timeout that the answer to a probe may take."""


@implementer(IUpstream, IProving, IInFlight, IDeclaresRules, IWakesDevices)
class ApnsBinaryUpstream:
    """Owns a pool of connections, and decides what is written to them and what their ends mean.

    :param unacknowledged: asks the system about a socket.
    :ivar rules: what may be submitted for this app.
    :ivar mdm_topic: of its MDM push certificate, when it is for MDM.

    A connection is of proven use once it reported the outcome of a notification or served for the response
    timeout.
    """

    log = Logger()

    def __init__(
        self, app: str, table: ApnsStreamTable, credentials: Credentials, work: IWork, context: Context,
        unacknowledged: Unacknowledged = unacknowledged,
    ) -> None:  # fmt: skip
        self._app, self._table, self._work, self._unacknowledged = app, table, work, unacknowledged
        self._context, self._reactor = context, context.reactor
        self.rules, self.mdm_topic = _for_mdm(app, table, credentials, context)
        health = ServiceHealth(app, f"{table.host}:{table.port}", work, context, table.handshakes_per_minute)
        self._end_judge = EndJudge(health)
        service = endpoint(table.host, table.port, credentials, context.reactor, table.proxy)
        self._pool: ConnectionPool[StreamConnection] = ConnectionPool(
            app, table, service, credentials, health, context, self
        )
        self._pool.closed.addBoth(self._closed)
        self._timeout = table.response_timeout
        self._run_ahead = RunAhead()
        self._turns = WriteTurns(self._reactor, self._take_turns, lambda: work.depth() >= RUN)
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = self._reactor
        self._gap = ListeningGap(TICK)
        self._probe: Probe | None = None
        self._feedback: FeedbackPoll | None = None
        if table.feedback:
            blocked = lambda: health.is_blocked  # noqa: E731 - too short for a name
            self._feedback = FeedbackPoll(app, table, credentials, work, context, blocked)

    # IUpstream

    def start(self) -> None:
        self._gap.begin(self._reactor.seconds())
        self._ticker.start(TICK, now=False)
        if self._feedback:
            self._feedback.start()
        self._pool.start()

    def wake(self) -> None:
        if not self._pool.is_stopping:
            self._turns.ask()

    def stop(self) -> Deferred[None]:
        if not self._pool.is_stopping:
            self._turns.cancel()
            self._pool.stop_connecting()
            for connection in self._pool.connections:
                if self._table.confirm == "probe" and connection.in_flight and connection.usable:
                    connection.probe()
            self._pool.close_idle()
        return self._pool.closed

    def abort(self) -> None:
        self._turns.cancel()
        self._pool.abort()

    def state(self) -> UpstreamState:
        return replace(self._pool.state(), response_timeout=self._timeout)

    def _closed(self, result: Failure | None) -> Failure | None:
        """All is closed, or a stop that was waited for in vain is cancelled."""
        if self._ticker.running:
            self._ticker.stop()
        if self._feedback:
            self._feedback.stop()
        return result

    # IProving

    def prove(self) -> Deferred[int] | None:
        if self._table.confirm != "probe":
            raise Invalid("id", 'of an app with confirm = "quiet"', 'its confirm must be "probe"')
        provable = [each for each in self._pool.connections if not each.closing and each.stream.provable]
        if not provable:
            return None
        self._probe = Probe(provable, self._reactor, self._timeout + PROBE_TIMEOUT)
        self._pool.fill()
        return self._probe.done

    # IInFlight

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        found = (each.stream.find(batch.order, index) for each in self._pool.connections)
        return next((span for span in found if span is not None), None)

    # PoolOwner

    def make_connection(self) -> StreamConnection:
        return StreamConnection(
            self._reactor, self._make_stream, self.wake, self._ended, self._unacknowledged
        )

    def connections_wanted(self) -> int:
        return -(-self._work.depth() // RUN)

    def _make_stream(self, ready_at: float) -> Stream:
        return Stream(self._table.window, self._timeout, ready_at)

    # writing

    def _take_turns(self) -> None:
        """Every connection writes one run; again in the next turn of the reactor while there is more."""
        suspects, now = self._work.has_suspects(), self._reactor.seconds()
        wall = self._context.wall()
        written = 0
        for index, connection in enumerate(self._pool.connections.serving()):
            if suspects and index == 0 and not connection.stream.is_calm(now):
                continue  # this connection falls idle, so that the suspects get their turn
            written += connection.write(self._work, wall, self._run_ahead.size)
        if written:
            self._pool.busy_at = now
            self._run_ahead.written(written)
        if written and self._work.depth():
            self.wake()
        self._pool.fill()

    def _tick(self) -> None:
        now = self._reactor.seconds()
        silent = self._gap.means(self._timeout, now)
        for connection in self._pool.connections:
            if silent:
                self._work.settle(connection.stream.quiet(now))
            if not self._pool.abort_if_stalled(connection) and self._is_of_use(connection, now):
                self._end_judge.proven()
        self._pool.close_idle()
        if self._work.depth():
            self.wake()

    def _is_of_use(self, connection: StreamConnection, now: float) -> bool:
        return connection.serving_since is not None and now - connection.serving_since >= self._timeout

    # ends

    def _ended(self, connection: StreamConnection, ending: Ending, cause: Cause | None) -> None:
        """Draw the conclusions from an end: outcomes, then dead tokens, and only then the requeue."""
        self._pool.connections.remove(connection)
        self._work.settle(ending.verdicts)
        suspect = self._report_dead_tokens(ending)
        if ending.end is End.ANSWERED:
            self._run_ahead.refused(ending.before)
        if ending.late:
            self._errors_come_late(ending.late)
        if not connection.retired:
            self._judge(connection, ending, Cause.WRONG_ENVIRONMENT if suspect else cause)
        self._work.requeue(noted(ending, cause, self._context.wall(), connection.number))
        if self._probe is not None:
            self._probe.ended(connection, ending)
        self._pool.replace(connection)

    def _judge(self, connection: StreamConnection, ending: Ending, cause: Cause | None) -> None:
        if connection.serving_since is None and cause is None:
            self._pool.spare_lost(ending.end.name.lower())
        else:
            lived = self._is_of_use(connection, self._reactor.seconds())
            self._pool.retry_in(self._end_judge.judge(ending, cause, lived))
            if ending.has_answered:
                self._pool.used(connection)

    def _report_dead_tokens(self, ending: Ending) -> bool:
        """Note the tokens that were refused as dead; return True if the environment is suspect instead."""
        tripped = False
        for verdict in ending.verdicts:
            if verdict.state is State.REJECTED and verdict.status in DEAD:
                for token in verdict.span.tokens():
                    first, why = not ending.before, DeadReason(verdict.reason)
                    tripped = self._work.token_rejected(token, first, why) or tripped
        return tripped

    def _errors_come_late(self, count: int) -> None:
        """Errors that come after the response timeout make honest outcomes wrong: wait longer from now on."""
        self._context.metrics.count("pushgate_late_errors_total", self._app, times=count)
        self._timeout = min(LATEST_PRESUMPTION, self._timeout * 2)
        for connection in self._pool.connections:
            connection.stream.response_timeout = self._timeout
        self.log.warn(
            "{app}: an error came late, {count} outcomes are corrected; response timeout now {timeout} s",
            app=self._app, count=count, timeout=self._timeout,
        )  # fmt: skip


def _for_mdm(
    app: str, table: ApnsStreamTable, credentials: Credentials, context: Context
) -> tuple[NotificationRules, str | None]:
    topic = mdm_topic(credentials)
    return rules_of(topic), managed_topic(app, table, () if topic is None else (topic,), context)
