"""Polling of the feedback service for dead tokens."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.net.connecting import Once, connected
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.apns_binary.feedback import FeedbackDecoder
from pushgate.protocols.apns_rules import MAX_TOKEN
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.credentials import Credentials

IDLE_TIMEOUT: Final = 60.0
"""Seconds without data after which a reading is given up; what came until then is dealt with."""
UNSAFE: Final = 100_000
"""Entries that may wait for the spool before no more are read. Not a few, because the service has forgotten
what it wrote."""


class FeedbackReader(Protocol):
    """Reads to the end and reports what comes at a time: the service forgets it once it is read.

    :param clock: provides IReactorTime.
    :ivar read: entries that came.
    :ivar finished: fires when the service is done and all that came is safe, with the number of bytes of an
        entry that was cut short, 0 when none was.
    """

    log = Logger()

    def __init__(self, work: IWork, clock: IReactorTime) -> None:
        self._work, self._clock = work, clock
        self._decoder = FeedbackDecoder()
        self.read = self._unsafe = 0
        self._ended = self._paused = False
        self._idle_timer: IDelayedCall | None = None
        self.finished: Deferred[int] = Deferred(lambda _: self.abort())

    def connectionMade(self) -> None:
        self._restart_idle_timer()

    def dataReceived(self, data: bytes) -> None:
        entries = self._decoder.feed(data)
        dead = [
            DeadTokenEntry(entry.token, entry.since, DeadReason.FEEDBACK)
            for entry in entries
            if 1 <= len(entry.token) <= MAX_TOKEN  # another cannot be sent to
        ]
        self._restart_idle_timer()
        if dead:
            self.read += len(dead)
            self._unsafe += len(dead)
            self._hold_back()
            reported = self._work.tokens_died(dead)
            reported.addErrback(lambda failure: self.log.failure("reporting dead tokens", failure))
            reported.addCallback(lambda _: self._safe(len(dead)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stop_idle_timer()
        self._ended = True
        if self.finished.called:
            return
        if failure_causes.of_loss(reason) is not None:
            self.finished.errback(reason)
        else:
            self._finish_if_safe()

    def abort(self) -> None:
        """Close at once; harmless when closed."""
        self._stop_idle_timer()
        transport: Any = self.transport
        if transport is not None and not self._ended:  # a TLS layer that has ended fails at it
            transport.abortConnection()

    def _safe(self, count: int) -> None:
        self._unsafe -= count
        self._hold_back()
        self._finish_if_safe()

    def _finish_if_safe(self) -> None:
        if self._ended and not self._unsafe and not self.finished.called:
            self.finished.callback(self._decoder.pending)

    def _hold_back(self) -> None:
        """Pause or resume reading, by how much the spool has still to write."""
        transport: Any = self.transport
        if self._ended or self._paused == (self._unsafe > UNSAFE):
            return
        self._paused = not self._paused
        if self._paused:
            self._stop_idle_timer()
            transport.pauseProducing()
        else:
            self._restart_idle_timer()
            transport.resumeProducing()

    def _restart_idle_timer(self) -> None:
        self._stop_idle_timer()
        self._idle_timer = self._clock.callLater(IDLE_TIMEOUT, self.abort)

    def _stop_idle_timer(self) -> None:
        if self._idle_timer is not None and self._idle_timer.active():
            self._idle_timer.cancel()


class FeedbackPoll:
    """Polls the feedback service of one app at its interval, the first time at once.

    A failed poll is logged and tried again at the next interval.

    :param is_blocked: whether nothing at all should be tried: then this poll is left out.
    """

    log = Logger()

    def __init__(
        self,
        app: str,
        table: ApnsStreamTable,
        credentials: Credentials,
        work: IWork,
        context: Context,
        is_blocked: Callable[[], bool],
    ) -> None:
        self._is_blocked = is_blocked
        self._app, self._work, self._reactor = app, work, context.reactor
        self._interval = table.feedback_interval
        host, port = table.feedback_host, table.feedback_port
        self._where = f"{host}:{port}"
        self._endpoint = endpoint(host, port, credentials, context.reactor, table.proxy)
        self._polling: Deferred[None] | None = None
        self._loop = LoopingCall(self._poll)
        self._loop.clock = context.reactor

    def start(self) -> None:
        """Poll now, and then at each interval."""
        self._loop.start(self._interval)

    def stop(self) -> None:
        """Poll no more; a reading under way is cut."""
        if self._loop.running:
            self._loop.stop()
        if self._polling is not None:
            self._polling.cancel()

    def _poll(self) -> Deferred[None] | None:
        if self._is_blocked():
            return None
        self._polling = Deferred.fromCoroutine(self._read()).addErrback(self._failed)
        return self._polling

    async def _read(self) -> None:
        reader = FeedbackReader(self._work, self._reactor)
        try:
            await connected(self._endpoint, Once(reader))
            cut = await reader.finished
        finally:
            reader.abort()
        self.log.info("{app}: feedback: {count} dead tokens", app=self._app, count=reader.read)
        if cut:
            self.log.warn(
                "{app}: feedback: the last entry was cut short after {cut} bytes", app=self._app, cut=cut
            )

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.warn(
                "{app}: feedback could not be read: {where}: {reason}; next try in {interval} s",
                app=self._app, where=self._where, reason=failure_causes.text(failure),
                interval=self._interval,
            )  # fmt: skip
