"""The health of a push service as one app sees it, reported to its queue, the log and the metrics."""

from typing import Final

from twisted.logger import Logger

from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.upstreams.common.circuit_breaker import Cause, Circuit
from pushgate.upstreams.common.handshake_limit import MANY, HandshakeLimit

_BLOCK: Final = (
    "turned away again and again; every attempt would prolong a block, so there is none for an hour"
)


class ServiceHealth:
    """Circuit and connect rate of one app.

    :param where: host and port of the service.
    :param handshakes: connections tried in vain a minute at most; 0 sets no limit.
    :ivar circuit: read by others; only this class changes it.
    """

    log = Logger()

    def __init__(self, app: str, where: str, work: IWork, context: Context, handshakes: int) -> None:
        self._app, self._where, self._work, self._context = app, where, work, context
        self._has_worked = False
        self.circuit = Circuit(context.jitter)
        self._handshakes = HandshakeLimit(handshakes, context.jitter)

    def wait(self) -> float:
        """Seconds until a connection may be tried; 0 when it may be now."""
        now = self._now()
        return max(self.circuit.wait(now), self._handshakes.wait(now))

    @property
    def is_waiting(self) -> bool:
        """Whether the service failed and is left alone for a while."""
        return self.circuit.wait(self._now()) > 0

    @property
    def is_blocked(self) -> bool:
        """Whether nothing at all should be tried."""
        return self.circuit.cause is Cause.SUSPECTED_BLOCK

    def tried(self) -> float:
        """Count an attempt to connect; return its time in monotonic seconds, see `used`."""
        now = self._now()
        self._handshakes.made(now)
        return now

    def used(self, tried_at: float) -> None:
        """Note that the connection tried at this time was of use, and is not counted any more."""
        self._handshakes.used(tried_at)

    def lost(self) -> None:
        """Note that a connection was lost for no reason of ours: its successor keeps apart from others."""
        self._handshakes.lost()

    def ended(self, cause: str) -> None:
        """Count the end of a connection by its cause."""
        self._context.metrics.count("pushgate_reconnects_total", self._app, cause)

    def proven(self) -> None:
        """Note that the service was of use."""
        if self.circuit.failures:
            self._handshakes.lost(MANY)  # those that wait for this do not all come at once
        if self.circuit.failures or not self._has_worked:
            again = " again" if self._has_worked else ""
            self.log.info(
                "{app}: the push service at {where} can be used{again}",
                app=self._app, where=self._where, again=again,
            )  # fmt: skip
        self._has_worked = True
        self.circuit.proven()
        self._work.reachable(True)

    def failed(self, cause: Cause, text: str, at_least: float = 0.0) -> float:
        """Note that the service was of no use; return the seconds to wait before the next attempt.

        :param at_least: seconds that the service itself asks for.
        """
        was_open, was_blocked = self.circuit.is_open, self.is_blocked
        wait = self.circuit.failed(cause, self._now(), at_least)
        self._handshakes.lost()
        if self.is_blocked:
            cause, text = Cause.SUSPECTED_BLOCK, f"{_BLOCK} ({cause}: {text})"
        self.ended(cause)
        self._work.reachable(False)
        is_news = (self.circuit.is_open and not was_open) or (self.is_blocked and not was_blocked)
        log = self.log.critical if is_news else self.log.warn
        log(
            "{app}: {cause}: {where}: {text}; next attempt in {wait:.1f} s (failure {failures})",
            app=self._app, cause=cause.value, where=self._where, text=text, wait=wait,
            failures=self.circuit.failures,
        )  # fmt: skip
        return wait

    def rest(self, seconds: float) -> None:
        """Leave the service alone for so long at least, as it asks; 0 changes nothing."""
        self.circuit.rest(self._now(), seconds)

    def _now(self) -> float:
        now: float = self._context.reactor.seconds()
        return now
