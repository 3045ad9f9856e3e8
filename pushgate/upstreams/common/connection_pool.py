"""The connections of one app to its push service: how many there are, and when they come and go."""

from itertools import count
from math import inf
from typing import Any, Final, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import UpstreamState
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.certificate_expiry import ExpiryNotice
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.connect import connect
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.pool_connections import PoolConnections
from pushgate.upstreams.common.pooled_connection import PooledConnection
from pushgate.upstreams.common.service_health import ServiceHealth
from pushgate.upstreams.common.settings import ConnectionPoolTable
from pushgate.upstreams.common.spare_demand import SpareDemand

STALL: Final = 60.0
"""Seconds a transport may be full, or what was sent unacknowledged, before its connection is given up: the
other side reads no more, or is gone."""
SURPLUS: Final = 30.0
"""Seconds that a spare stays which is not needed any more: errors come in bursts."""
SPARE_PAUSE: Final = 60.0
"""Seconds without a spare after a connection failed, so that keeping one never becomes a loop."""

C = TypeVar("C", bound=PooledConnection)
Made = TypeVar("Made", bound=PooledConnection, covariant=True)


class PoolOwner(Protocol[Made]):
    """An upstream, as its pool calls it."""

    def make_connection(self) -> Made:
        """Make a connection that is still to be opened."""

    def connections_wanted(self) -> int:
        """Count the connections that the queue could keep busy now, without a limit."""

    def wake(self) -> None:
        """Write soon: a connection has come that may be written to."""


class ConnectionPool(Generic[C]):
    """Up to `connections` of them, opened as the queue asks, one at a time while the service is in doubt.

    Beyond them, an app that had work within `idle_timeout` keeps `spare` connections that nothing is written
    to: one takes the place of a connection that ends, and need not connect first. While connections end often
    there are more of them. A spare proves nothing by being there. What an end means is the owner's to say.

    :param endpoint: connects to the service.
    :ivar connections: all that are open; the owner removes what has ended.
    :ivar busy_at: monotonic seconds of the last write on any of them, set by the owner.
    :ivar is_stopping: no connection is opened any more.
    :ivar closed: fires once it is stopping and the last connection is gone.
    """

    log = Logger()

    def __init__(
        self, app: str, table: ConnectionPoolTable, endpoint: Any, credentials: Credentials,
        health: ServiceHealth, context: Context, owner: PoolOwner[C],
    ) -> None:  # fmt: skip
        self._app, self._table, self._endpoint, self._credentials = app, table, endpoint, credentials
        self._health, self._owner = health, owner
        self._reactor, self._wall = context.reactor, context.wall
        self.connections: PoolConnections[C] = PoolConnections(context.reactor)
        self._numbers = count(1)
        self._attempts: set[Deferred[C]] = set()
        self._retry: IDelayedCall | None = None
        self.busy_at = self._spare_after = float("-inf")
        self._spares = SpareDemand(table.spare)
        self.is_stopping = False
        self.closed: Deferred[None] = Deferred()
        self._expiry = ExpiryNotice(app, credentials.expires, context)

    def start(self) -> None:
        """Open the first connection, whether there is work or not."""
        self._expiry.start()
        self.fill(at_least=1)

    def stop_connecting(self) -> None:
        """Cancel all attempts and make no more; the owner then closes what is open."""
        self.is_stopping = True
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None
        for attempt in list(self._attempts):
            attempt.cancel()

    def abort(self) -> None:
        """Close everything at once; harmless when all is closed."""
        self.stop_connecting()
        for connection in self.connections:
            connection.abort()
        self._finish_if_closed()

    def state(self) -> UpstreamState:
        """Connections, circuit and certificate, for operators."""
        states = self.connections.states(draining=self.is_stopping)
        if self._attempts:
            states["connecting"] = len(self._attempts)
        return UpstreamState(
            connections=dict(states),
            window=sum(connection.in_flight for connection in self.connections),
            circuit=self._health.circuit.cause or "",
            circuit_open=self._health.circuit.is_open,
            certificate_expires=None if self._credentials.expires == inf else self._credentials.expires,
        )

    # opening

    def fill(self, at_least: int = 0) -> None:
        """Open as many connections as the queue asks for and the circuit allows."""
        if self.is_stopping:
            return
        missing = max(0, self._wanted(at_least) - len(self.connections.serving()))
        if missing and not self._health.is_waiting and (promoted := self.connections.promote(missing)):
            missing -= promoted
            self._owner.wake()
        missing += max(0, self._spares_wanted() - len(self.connections.spares()))
        for _ in range(missing - len(self._attempts)):
            wait = self._health.wait()
            if wait > 0:
                self.retry_in(wait)
                return
            self._attempt()

    def retry_in(self, seconds: float) -> None:
        """Fill the pool in so many seconds, or when it is to be filled already; 0 does nothing."""
        if seconds and self._retry is None and not self.is_stopping:
            self._retry = self._reactor.callLater(seconds, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self.fill(at_least=1)

    def _wanted(self, at_least: int = 0) -> int:
        """How many connections should be in use."""
        wanted = min(self._table.connections, max(at_least, self._owner.connections_wanted()))
        return min(wanted, 1) if self._health.circuit.failures else wanted

    def _spares_wanted(self) -> int:
        """How many should wait: none unless there was work within `idle_timeout` and all is well."""
        now = self._reactor.seconds()
        is_busy = now - self.busy_at < self._table.idle_timeout
        is_well = now >= self._spare_after and not self._health.circuit.failures
        return self._spares.wanted(now) if is_busy and is_well else 0

    def _is_needed(self) -> bool:
        """Whether a connection that has just come should serve at once."""
        if self._health.is_waiting:
            return False
        return not self._table.spare or len(self.connections.serving()) < max(1, self._wanted())

    def _attempt(self) -> None:
        wall = self._wall()
        if not self._credentials.begins <= wall < self._credentials.expires:
            expired = wall >= self._credentials.expires
            cause = Cause.CERTIFICATE_EXPIRED if expired else Cause.CERTIFICATE_NOT_YET_VALID
            why = "the certificate's dates do not include today; no connection was tried"
            self.retry_in(self._health.failed(cause, why))
            return
        connection = self._owner.make_connection()
        connection.tried_at = self._health.tried()
        attempt = connect(connection, self._endpoint, self._reactor)
        self._attempts.add(attempt)
        attempt.addBoth(self._attempted, attempt)

    def _attempted(self, result: C | Failure, attempt: Deferred[C]) -> None:
        self._attempts.discard(attempt)
        if isinstance(result, Failure):
            if not self.is_stopping:  # else it was cut short by us, whatever it says
                self._pause_spares()
                cause, why = failure_causes.of_attempt(result), failure_causes.text(result)
                self.retry_in(self._health.failed(cause, why))
        elif self.is_stopping:
            result.abort()
        else:
            result.number = next(self._numbers)
            self.connections.add(result, serves=self._is_needed())
            self._owner.wake()
        self._finish_if_closed()

    # closing

    def close_idle(self) -> None:
        """Close connections that had nothing to send for long; while stopping, all with nothing in flight."""
        now = self._reactor.seconds()
        for connection in self.connections:
            is_spare = connection.serving_since is None
            busy_at = max(connection.busy_at, self.busy_at) if is_spare else connection.busy_at
            idle = connection.usable and now - busy_at >= self._table.idle_timeout
            if not connection.in_flight and (idle or self.is_stopping):
                connection.close()
        self._close_surplus(now)
        self._finish_if_closed()

    def _close_surplus(self, now: float) -> None:
        """Close the oldest spares beyond those that are wanted, once they have waited for long."""
        spares = self.connections.spares() if self._table.spare else []
        for connection in spares[: max(0, len(spares) - self._spares.wanted(now))]:
            if connection.ready_at is not None and now - connection.ready_at >= SURPLUS:
                connection.close()

    def abort_if_stalled(self, connection: C) -> bool:
        """Close a connection that the other side has stopped reading, or left; return True if it is one."""
        since = [connection.blocked_since, connection.unacknowledged_since]
        if all(each is None or self._reactor.seconds() - each <= STALL for each in since):
            return False
        self.log.warn(
            "{app}: the push service reads no more, or the network has lost it: nothing was acknowledged for "
            "{seconds:g} s; closing a connection",
            app=self._app, seconds=STALL,
        )  # fmt: skip
        connection.vanish()
        return True

    def spare_lost(self, cause: str) -> None:
        """Count the end of a spare without our doing: it says nothing of the service."""
        self._pause_spares()
        self._health.lost()
        self._health.ended(cause)

    def used(self, connection: C) -> None:
        """Note that a connection was of use: it does not count as tried in vain."""
        self._health.used(connection.tried_at)

    def replace(self, connection: C) -> None:
        """Make up for a connection that was removed; called when its end has been dealt with."""
        if connection.serving_since is not None and not connection.retired:
            self._spares.ended(self._reactor.seconds())
        self.fill()
        self._finish_if_closed()

    def _pause_spares(self) -> None:
        self._spare_after = self._reactor.seconds() + SPARE_PAUSE

    def _finish_if_closed(self) -> None:
        if self.is_stopping and not self.connections and not self._attempts:
            self._expiry.stop()
            if not self.closed.called:
                self.closed.callback(None)
