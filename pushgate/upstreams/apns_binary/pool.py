"""The connections of one app to the binary gateway: how many, when, and what their ends mean."""

from itertools import count
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import Invalid
from pushgate.model.notification import Batch
from pushgate.model.outcome import State
from pushgate.plugin.interfaces import Context, IInFlight, IProving, IUpstream, IWork, UpstreamState
from pushgate.protocols.apns_binary.connection import Stream
from pushgate.protocols.apns_binary.connection_end import Ending
from pushgate.protocols.apns_binary.status import DEAD
from pushgate.upstreams.apns_binary.connection import RUN, StreamConnection
from pushgate.upstreams.apns_binary.connections import StreamConnections
from pushgate.upstreams.apns_binary.feedback_poll import FeedbackPoll
from pushgate.upstreams.apns_binary.health import Health
from pushgate.upstreams.apns_binary.probe import Probe
from pushgate.upstreams.apns_binary.requeue import noted
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.certificate_expiry import ExpiryNotice
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.client_certificate import Credentials
from pushgate.upstreams.common.connect import connect, endpoint
from pushgate.upstreams.common.listening_gap import ListeningGap

TICK: Final = 0.25
"""Seconds between two looks at every link: what became presumed, who is idle, who is stuck."""
STALL: Final = 60.0
"""Seconds a link's transport may be full before the link is given up: the other side reads no more."""
LATEST_PRESUMPTION: Final = 60.0
"""Seconds to which the response timeout may grow when errors come later than it."""
PROOF_PATIENCE: Final = 10.0
"""Seconds beyond the response timeout that the answer to a probe may take."""
SPARE_PAUSE: Final = 60.0
"""Seconds without a spare after a connection failed, so that keeping one never becomes a loop."""


@implementer(IUpstream, IProving, IInFlight)
class Pool:
    """Up to `connections` links, opened as work asks for them, one at a time while the service is in doubt.

    A link is of proven use once it told the fate of a notification or served for the response timeout.
    Beyond them, an app that has had work of late keeps `spare` links that nothing is written to: one takes
    the place of a link that ends, and need not connect first. It proves nothing by being there.
    """

    log = Logger()

    def __init__(
        self, app: str, table: ApnsStreamTable, credentials: Credentials, work: IWork, context: Context
    ) -> None:
        self._app, self._table, self._credentials = app, table, credentials
        self._work, self._context, self._reactor = work, context, context.reactor
        self._endpoint = endpoint(table.host, table.port, credentials, context.reactor)
        self._health = Health(app, work, context, table.handshakes_per_minute)
        self._timeout = table.response_timeout
        self._links = StreamConnections(self._reactor)
        self._numbers = count(1)
        self._attempts: set[Deferred[StreamConnection]] = set()
        self._turn: IDelayedCall | None = None
        self._retry: IDelayedCall | None = None
        self._stopping: Deferred[None] | None = None
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = self._reactor
        self._silence = ListeningGap(TICK)
        self._busy_at = self._spare_after = float("-inf")
        self._proof: Probe | None = None
        self._expiry = ExpiryNotice(app, credentials.expires, context)
        self._feedback: FeedbackPoll | None = None
        if table.feedback:
            blocked = lambda: self._health.is_blocked  # noqa: E731 - too short for a name
            self._feedback = FeedbackPoll(app, table, credentials, work, context, blocked)

    # IUpstream

    def start(self) -> None:
        self._silence.begin(self._reactor.seconds())
        self._ticker.start(TICK, now=False)
        self._expiry.start()
        if self._feedback:
            self._feedback.start()
        self._fill(at_least=1)

    def wake(self) -> None:
        if self._turn is None and self._stopping is None:
            self._turn = self._reactor.callLater(0, self._take_turns)

    def stop(self) -> Deferred[None]:
        if self._stopping is None:
            self._stopping = Deferred()
            self._cancel_attempts()
            for link in self._links:
                if self._table.confirm == "probe" and link.stream.in_flight and link.usable:
                    link.probe()
            self._close_idle()
        return self._stopping

    def abort(self) -> None:
        if self._stopping is None:
            self._stopping = Deferred()
        self._cancel_attempts()
        for link in self._links:
            link.abort()
        self._finish_if_closed()

    def state(self) -> UpstreamState:
        states = self._links.states(draining=self._stopping is not None)
        if self._attempts:
            states["connecting"] = len(self._attempts)
        return UpstreamState(
            connections=dict(states),
            window=sum(link.stream.in_flight for link in self._links),
            circuit=self._health.circuit.cause or "",
            circuit_open=self._health.circuit.is_open,
            certificate_expires=self._credentials.expires,
        )

    # IProving

    def prove(self) -> Deferred[int] | None:
        if self._table.confirm != "probe":
            raise Invalid("id", 'of an app with confirm = "quiet"', 'its confirm must be "probe"')
        links = [link for link in self._links if not link.closing and link.stream.provable]
        if not links:
            return None
        self._proof = Probe(links, self._reactor, self._timeout + PROOF_PATIENCE)
        self._fill()
        return self._proof.done

    # IInFlight

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        found = (link.stream.find(batch.order, index) for link in self._links)
        return next((span for span in found if span is not None), None)

    # writing

    def _take_turns(self) -> None:
        """Every link writes one run; again in the next turn of the reactor while there is more."""
        self._turn = None
        suspects, now = self._work.has_suspects(), self._reactor.seconds()
        wall = self._context.wall()
        written = 0
        for index, link in enumerate(self._links.serving()):
            if suspects and index == 0 and not link.stream.is_calm(now):
                continue  # this link falls idle, so that the suspects get their turn
            written += link.write(self._work, wall)
        if written:
            self._busy_at = now
        if written and self._work.depth():
            self.wake()
        self._fill()

    def _tick(self) -> None:
        now = self._reactor.seconds()
        silent = self._silence.means(self._timeout, now)
        for link in self._links:
            if silent:
                self._work.settle(link.stream.quiet(now))
            if link.blocked_since is not None and now - link.blocked_since > STALL:
                self.log.warn("{app}: the push service reads no more; closing a connection", app=self._app)
                link.abort()
            elif self._is_of_use(link, now):
                self._health.proven()
        self._close_idle()
        if self._work.depth():
            self.wake()

    def _is_of_use(self, link: StreamConnection, now: float) -> bool:
        return link.serving_since is not None and now - link.serving_since >= self._timeout

    def _close_idle(self) -> None:
        now = self._reactor.seconds()
        for link in self._links:
            busy_at = link.busy_at if link.serving_since is not None else max(link.busy_at, self._busy_at)
            idle = now - busy_at >= self._table.idle_timeout and not link.stream.probed
            if not link.stream.in_flight and (idle or self._stopping):
                link.close()
        self._finish_if_closed()

    # connecting

    def _fill(self, at_least: int = 0) -> None:
        """Open as many connections as the work asks for and the circuit allows."""
        if self._stopping is not None:
            return
        wanted = self._wanted(at_least)
        if not self._health.is_waiting and self._links.promote(wanted - len(self._links.serving())):
            self.wake()
        missing = max(0, wanted - len(self._links.serving()))
        missing += max(0, self._spares_wanted() - len(self._links.spares()))
        for _ in range(missing - len(self._attempts)):
            wait = self._health.wait()
            if wait > 0:
                self._retry_in(wait)
                return
            self._attempt()

    def _wanted(self, at_least: int = 0) -> int:
        """How many connections should be in use."""
        wanted = min(self._table.connections, max(at_least, -(-self._work.depth() // RUN)))
        return min(wanted, 1) if self._health.circuit.failures else wanted

    def _spares_wanted(self) -> int:
        """How many should wait: none unless there was work of late and all is well."""
        now = self._reactor.seconds()
        is_busy = now - self._busy_at < self._table.idle_timeout
        is_well = now >= self._spare_after and not self._health.circuit.failures
        return self._table.spare if is_busy and is_well else 0

    def _is_needed(self) -> bool:
        """Whether a link that has just come should serve at once."""
        if self._health.is_waiting:
            return False
        some_lack = len(self._links.serving()) < max(1, self._wanted())
        return some_lack or len(self._links.spares()) >= self._table.spare

    def _attempt(self) -> None:
        wall = self._context.wall()
        if not self._credentials.begins <= wall < self._credentials.expires:
            expired = wall >= self._credentials.expires
            cause = Cause.CERTIFICATE_EXPIRED if expired else Cause.CERTIFICATE_NOT_YET_VALID
            why = "the certificate's dates do not include today; no connection was tried"
            self._retry_in(self._health.failed(cause, why))
            return
        self._health.tried()
        link = StreamConnection(self._reactor, self._make_stream, self.wake, self._ended)
        attempt = connect(link, self._endpoint, self._reactor)
        self._attempts.add(attempt)
        attempt.addBoth(self._attempted, attempt)

    def _make_stream(self, ready_at: float) -> Stream:
        return Stream(self._table.window, self._timeout, ready_at)

    def _attempted(self, result: StreamConnection | Failure, attempt: Deferred[StreamConnection]) -> None:
        self._attempts.discard(attempt)
        if isinstance(result, Failure):
            if self._stopping is None:  # else it was cut short by us, whatever it says
                self._pause_spares()
                self._retry_in(
                    self._health.failed(failure_causes.of_attempt(result), failure_causes.text(result))
                )
        elif self._stopping is not None:
            result.abort()
        else:
            result.number = next(self._numbers)
            self._links.add(result, serves=self._is_needed())
            self.wake()
        self._finish_if_closed()

    def _pause_spares(self) -> None:
        self._spare_after = self._reactor.seconds() + SPARE_PAUSE

    def _cancel_attempts(self) -> None:
        for call in (self._turn, self._retry):
            if call is not None and call.active():
                call.cancel()
        self._turn = self._retry = None
        for attempt in list(self._attempts):
            attempt.cancel()

    # ends

    def _ended(self, link: StreamConnection, ending: Ending, cause: Cause | None) -> None:
        """Draw the conclusions from an end: what is known, then who is dead, and only then who goes again."""
        self._links.remove(link)
        self._work.settle(ending.verdicts)
        suspect = self._bury(ending)
        if ending.late:
            self._errors_come_late(ending.late)
        if not link.retired:
            self._judge(link, ending, Cause.WRONG_ENVIRONMENT if suspect else cause)
        self._work.requeue(noted(ending, cause, self._context.wall(), link.number))
        if self._proof is not None:
            self._proof.ended(link, ending)
        self._fill()
        self._finish_if_closed()

    def _judge(self, link: StreamConnection, ending: Ending, cause: Cause | None) -> None:
        if link.serving_since is None and cause is None:
            self._pause_spares()
            self._health.spare_ended(ending)
        else:
            lived = self._is_of_use(link, self._reactor.seconds())
            self._retry_in(self._health.judge(ending, cause, lived))

    def _bury(self, ending: Ending) -> bool:
        """Note the tokens that were refused as dead; return whether the environment is suspect instead."""
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
        for link in self._links:
            link.stream.response_timeout = self._timeout
        self.log.warn(
            "{app}: an error came late, {count} outcomes are corrected; response timeout now {timeout} s",
            app=self._app, count=count, timeout=self._timeout,
        )  # fmt: skip

    def _retry_in(self, seconds: float) -> None:
        if seconds and self._retry is None and self._stopping is None:
            self._retry = self._reactor.callLater(seconds, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self._fill(at_least=1)

    def _finish_if_closed(self) -> None:
        if self._stopping is None or self._links or self._attempts:
            return
        if self._ticker.running:
            self._ticker.stop()
        self._expiry.stop()
        if self._feedback:
            self._feedback.stop()
        if not self._stopping.called:
            self._stopping.callback(None)
