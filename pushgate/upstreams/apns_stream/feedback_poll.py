"""The feedback service, asked from time to time which tokens are dead."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.apns.feedback import FeedbackDecoder
from pushgate.interfaces import Context, IWork
from pushgate.upstreams.apns_stream import causes
from pushgate.upstreams.apns_stream.connect import Once, endpoint
from pushgate.upstreams.apns_stream.credentials import Credentials
from pushgate.upstreams.apns_stream.table import ApnsStreamTable

TIMEOUT: Final = 300.0
"""Seconds one reading may take at most; what came until then was dealt with."""


class FeedbackReader(Protocol):
    """Reads to the end and reports each tuple as it comes: the service forgets it once it is read.

    :ivar finished: fires with the number of bytes of a tuple that was cut short, 0 when none was.
    """

    def __init__(self, work: IWork) -> None:
        self._work = work
        self._decoder = FeedbackDecoder()
        self.read = 0
        self.finished: Deferred[int] = Deferred(lambda _: self._abort())

    def dataReceived(self, data: bytes) -> None:
        for entry in self._decoder.feed(data):
            self.read += 1
            self._work.token_died(entry.token, entry.since)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.finished.called:
            return
        if causes.of_loss(reason) is not None:
            self.finished.errback(reason)
        else:
            self.finished.callback(self._decoder.pending)

    def _abort(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()


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
        reading = Deferred.fromCoroutine(self._read()).addTimeout(TIMEOUT, self._reactor)
        self._polling = reading.addErrback(self._failed)
        return self._polling

    async def _read(self) -> None:
        reader = FeedbackReader(self._work)
        try:
            await self._endpoint.connect(Once(reader))
            cut = await reader.finished
        finally:
            reader._abort()
        self.log.info("{app}: feedback: {count} dead tokens", app=self._app, count=reader.read)
        if cut:
            self.log.warn(
                "{app}: feedback: the last entry was cut short after {cut} bytes", app=self._app, cut=cut
            )

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.warn(
                "{app}: feedback could not be read ({reason}); next try in {interval} s",
                app=self._app, reason=causes.text(failure), interval=self._interval,
            )  # fmt: skip
