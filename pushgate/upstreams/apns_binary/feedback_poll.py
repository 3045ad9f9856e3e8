"""The feedback service, asked from time to time which tokens are dead."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.plugin.interfaces import Context, IWork
from pushgate.protocols.apns_binary.feedback import FeedbackDecoder
from pushgate.protocols.apns_rules import MAX_TOKEN
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.common import failure_causes
from pushgate.upstreams.common.client_certificate import Credentials
from pushgate.upstreams.common.connect import Once, endpoint

SILENCE: Final = 60.0
"""Seconds without a word after which a reading is given up; what came until then is dealt with."""
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
        self._bell: IDelayedCall | None = None
        self.finished: Deferred[int] = Deferred(lambda _: self.abort())

    def connectionMade(self) -> None:
        self._listen()

    def dataReceived(self, data: bytes) -> None:
        entries = self._decoder.feed(data)
        deaths = [
            DeadTokenEntry(entry.token, entry.since, DeadReason.FEEDBACK)
            for entry in entries
            if 1 <= len(entry.token) <= MAX_TOKEN  # nobody can send to another
        ]
        self._listen()
        if deaths:
            self.read += len(deaths)
            self._unsafe += len(deaths)
            self._hold_back()
            reported = self._work.tokens_died(deaths)
            reported.addErrback(lambda failure: self.log.failure("reporting dead tokens", failure))
            reported.addCallback(lambda _: self._safe(len(deaths)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._hush()
        self._ended = True
        if self.finished.called:
            return
        if failure_causes.of_loss(reason) is not None:
            self.finished.errback(reason)
        else:
            self._finish_if_safe()

    def abort(self) -> None:
        """Close at once; harmless when closed."""
        self._hush()
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def _safe(self, count: int) -> None:
        self._unsafe -= count
        self._hold_back()
        self._finish_if_safe()

    def _finish_if_safe(self) -> None:
        if self._ended and not self._unsafe and not self.finished.called:
            self.finished.callback(self._decoder.pending)

    def _hold_back(self) -> None:
        """Read on or do not, as far as the spool has come."""
        transport: Any = self.transport
        if self._ended or self._paused == (self._unsafe > UNSAFE):
            return
        self._paused = not self._paused
        if self._paused:
            self._hush()
            transport.pauseProducing()
        else:
            self._listen()
            transport.resumeProducing()

    def _listen(self) -> None:
        self._hush()
        self._bell = self._clock.callLater(SILENCE, self.abort)

    def _hush(self) -> None:
        if self._bell is not None and self._bell.active():
            self._bell.cancel()


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
        self._endpoint = endpoint(host, port, credentials, context.reactor)
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
            await self._endpoint.connect(Once(reader))
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
                "{app}: feedback could not be read ({reason}); next try in {interval} s",
                app=self._app, reason=failure_causes.text(failure), interval=self._interval,
            )  # fmt: skip
