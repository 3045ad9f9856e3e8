"""The isolation around one sink: whatever it does, sending neither waits for it nor fails with it."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import inf
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from pushgate.model.backoff import Jitter, delay
from pushgate.model.errors import SinkDown
from pushgate.model.log_throttle import LogThrottle
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import Outcome, Report
from pushgate.model.printable import printable
from pushgate.plugin.sink_interface import IHistory, IOutcomeSink

CALL_LIMIT: Final = 2048
"""Notifications of one call of `emit` at most, so that a call stays short."""
CLOSE_GRACE: Final = 2.0
"""Seconds a sink has to close after its flush was given up."""
FIRST_PAUSE: Final = 1.0
"""Seconds before a sink that is down gets the same reports again; doubled each time."""
LONGEST_PAUSE: Final = 60.0
"""Seconds between two such attempts at most."""


class SinkFeeder:
    """Feeds one sink: one call of `emit` at a time; what gathers meanwhile goes with the next.

    Every call to the sink is made in a reactor turn of its own, so its time is never the caller's. A sink
    that is down gets the same reports again until it takes them.

    :param name: the sink's name, for the log and the metrics.
    :param buffer: reports that may wait; beyond it the newest are dropped and counted.
    :param taken: called with the number of each `report` of which nothing waits for the sink any more.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        sink: IOutcomeSink,
        buffer: int,
        clock: IReactorTime,
        jitter: Jitter,
        metrics: Metrics,
        taken: Callable[[int], None] | None = None,
    ) -> None:
        self.name, self.sink = name, sink
        self._sink, self._buffer, self._clock, self._metrics = sink, buffer, clock, metrics
        self._jitter, self._taken = jitter, taken
        self._waiting: deque[Report | _Mark] = deque()
        self._given: list[Report] = []
        self._marks: list[int] = []
        self._waiting_count = self._waiting_reports = self._in_flight = self._tries = 0
        self._busy = self._closed = self._said_down = self._lost = self._failed_last = False
        self._turn: IDelayedCall | None = None
        self._emitting: Deferred[object] | None = None
        self._drained: Deferred[None] | None = None
        self._outstanding: dict[int, None] = {}  # ascending
        self._taken_count = self._reported = 0
        self._behind: deque[tuple[int, Deferred[None]]] = deque()
        self._errors, self._drops = LogThrottle(), LogThrottle()

    @property
    def lag(self) -> int:
        """Notifications reported and not yet taken by the sink."""
        return self._waiting_count + self._in_flight

    @property
    def taken_to(self) -> int:
        """The last number given to `report` of which nothing waits for the sink, nor of any before it."""
        return next(iter(self._outstanding), self._reported + 1) - 1

    def stats(self, wall: float) -> dict[str, Any]:
        """How the sink is doing, ready for JSON.

        :param wall: Unix seconds now.
        """
        waiting = chain(self._given[:1], self._waiting)
        oldest = next((each for each in waiting if not isinstance(each, _Mark)), None)
        return {
            "lag": self.lag,
            "reports": len(self._given) + self._waiting_reports,
            "buffer": self._buffer,
            # The clock may have been set back.
            "age": 0.0 if oldest is None else round(max(0.0, wall - oldest.at), 3),
            "failing": self._failed_last,
            "dropped": self._drops.total,
            "errors": self._errors.total,
            "watches": False,
        }

    def start(self) -> None:
        """Start the sink; what it raises is the caller's."""
        self._sink.start()

    def report(self, reports: Sequence[Report], number: int = 0) -> None:
        """Keep `reports` for the sink. Never raises, never calls the sink.

        :param number: what `taken` is called with.
        """
        room = 0 if self._closed else self._buffer - self._waiting_reports
        if len(reports) > room:
            self._drop(_notifications(reports[room:]))
            reports = reports[:room]
        self._waiting.extend(reports)
        self._waiting_reports += len(reports)
        self._waiting_count += _notifications(reports)
        self._reported = number
        if reports and self._taken is not None:
            self._outstanding[number] = None
            self._waiting.append(_Mark(number))
        elif not reports:
            self._acknowledge([number])
        self._schedule()

    def caught_up(self) -> Deferred[None]:
        """Fires when the sink has taken what waits for it now, or is down, which is not waited for."""
        caught_up: Deferred[None] = Deferred()
        if self.lag and not self._tries and not self._closed:
            self._behind.append((self._taken_count + self.lag, caught_up))
        else:
            caught_up.callback(None)
        return caught_up

    def release(self) -> None:
        """Count everything as taken: the sink is to get nothing more."""
        self._wait_no_more()
        marks = self._marks + [each.number for each in self._waiting if isinstance(each, _Mark)]
        self._waiting.clear()
        self._acknowledge(marks)

    def remembered(self, number: int) -> Deferred[list[Outcome]]:
        """What a sink that can be asked knows of the notification with this id; nothing when it fails."""
        assert IHistory.providedBy(self.sink)
        asked: Deferred[list[Outcome]] = maybeDeferred(self.sink.outcomes, number)
        return asked.addErrback(self._not_remembered)

    def reopen(self) -> None:
        """Let the sink open its files anew."""
        maybeDeferred(self._sink.reopen).addErrback(self._failed, "reopen")

    def stop(self) -> Deferred[None]:
        """Give the sink what waits, then stop it; never fails.

        Cancelling gives up the flush: what was not taken is dropped and counted, unless the spool has it,
        and the sink has `CLOSE_GRACE` seconds to close.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        try:
            await self._flush()
        except CancelledError:
            self._give_up()
        stopping = maybeDeferred(self._sink.stop)
        if self._closed:
            stopping.addTimeout(CLOSE_GRACE, self._clock)
        self._closed = True
        await stopping.addErrback(self._failed, "stop")
        if self._errors.total or self._drops.total:
            self.log.emit(
                LogLevel.warn,
                "sink {sink}: calls that failed while it ran: {errors}; notifications dropped: {count}",
                sink=self.name,
                errors=self._errors.total,
                count=self._drops.total,
            )

    async def _flush(self) -> None:
        if self._busy:
            self._drained = Deferred()
            await self._drained

    def _give_up(self) -> None:
        """Give nothing more to the sink, and cut short the call under way."""
        self._closed, self._drained = True, None
        self._wait_no_more()
        lost = self.lag
        self._waiting_count = 0
        if self._turn is not None:
            self._turn.cancel()
        if self._emitting is not None:
            self._emitting.cancel()
        if self._taken is None:
            self._drop(lost)
        elif lost:
            self.log.warn(
                "sink {sink}: stopped; {count} notifications stay in the spool until its next start",
                sink=self.name,
                count=lost,
            )

    def _schedule(self) -> None:
        if self._waiting and not self._busy and not self._closed:
            self._busy = True
            self._turn = self._clock.callLater(0, self._emit)

    def _emit(self) -> None:
        self._turn = None
        if not self._given:
            self._given = self._next()
        if not self._given:
            self._emitted(None)
            return
        self._emitting = maybeDeferred(self._sink.emit, self._given)
        self._emitting.addErrback(self._not_taken).addCallback(self._emitted)

    def _next(self) -> list[Report]:
        """The reports of the next call."""
        reports: list[Report] = []
        count = 0
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, _Mark):
                self._marks.append(first.number)
                self._waiting.popleft()
                continue
            if count >= CALL_LIMIT:
                break
            report, rest = _cut(first, CALL_LIMIT - count)
            if rest is None:
                self._waiting.popleft()
                self._waiting_reports -= 1
            else:
                self._waiting[0] = rest
            count += _notifications((report,))
            reports.append(report)
        self._waiting_count -= count
        self._in_flight = count
        return reports

    def _emitted(self, _: object) -> None:
        if self._said_down and not self._closed:
            self._said_down = False
            self.log.info("sink {sink}: takes reports again", sink=self.name)
        if self._given:  # a mark alone is no call
            self._failed_last, self._lost = self._lost, False
        self._taken_count += self._in_flight
        self._emitting, self._in_flight, self._tries, self._busy = None, 0, 0, False
        self._given = []
        self._wait_no_more(self._taken_count)
        if self._closed:
            return  # cut short: what it was given last may not be taken
        marks, self._marks = self._marks, []
        self._acknowledge(marks)
        self._schedule()
        if not self._busy and self._drained is not None:
            drained, self._drained = self._drained, None
            drained.callback(None)

    def _wait_no_more(self, taken: float = inf) -> None:
        """Fire the `caught_up` Deferreds whose position is at or below `taken`."""
        while self._behind and self._behind[0][0] <= taken:
            self._behind.popleft()[1].callback(None)

    def _acknowledge(self, marks: Iterable[int]) -> None:
        if self._taken is not None:
            for number in marks:
                self._outstanding.pop(number, None)
                self._taken(number)

    def _not_taken(self, failure: Failure) -> Deferred[object] | None:
        """Log why; when the sink is down, try again later, and fire when that is done."""
        self._failed(failure, "emit")
        self._failed_last = True
        if self._closed or not failure.check(OSError, SinkDown):
            self._lost = True
            return None
        self._tries += 1
        self._wait_no_more()
        pause = delay(self._tries, first=FIRST_PAUSE, cap=LONGEST_PAUSE, jitter=self._jitter)
        pause = max(pause, getattr(failure.value, "retry_after", 0.0))
        again: Deferred[object] = deferLater(self._clock, pause, self._sink.emit, self._given)
        return again.addErrback(self._not_taken)

    def _not_remembered(self, failure: Failure) -> list[Outcome]:
        self._failed(failure, "outcomes")
        return []

    def _failed(self, failure: Failure, call: str) -> None:
        if self._closed and call == "emit" and failure.check(CancelledError):
            return  # given up, and reported as dropped
        self._metrics.count("pushgate_sink_errors_total", self.name)
        if not (count := self._errors.happened(self._clock.seconds())):
            return
        if call == "emit" and failure.check(OSError, SinkDown):  # it is down, which is no bug of its
            self._said_down = True
            self.log.warn(
                "sink {sink}: {call} failed: {why}; failures since the last such line: {count}",
                sink=self.name,
                call=call,
                why=printable(failure.getErrorMessage()),
                count=count,
            )
        else:
            self.log.failure(
                "sink {sink}: {call} failed; failures since the last such line: {count}",
                failure=failure,
                sink=self.name,
                call=call,
                count=count,
            )

    def _drop(self, notifications: int) -> None:
        self._metrics.count("pushgate_sink_dropped_total", self.name, times=notifications)
        if count := self._drops.happened(self._clock.seconds(), notifications):
            self.log.emit(
                LogLevel.warn,
                "sink {sink}: {why}; {count} notifications dropped since the last such line",
                sink=self.name,
                why="stopped" if self._closed else "its buffer is full",
                count=count,
            )


class _Mark(msgspec.Struct, frozen=True, gc=False):
    """Stands behind the last report of a call of `SinkFeeder.report`."""

    number: int


def _cut(report: Report, limit: int) -> tuple[Report, Report | None]:
    """The report on the first `limit` notifications at most, and the one on the others."""
    if not isinstance(report, Outcome) or len(report.span) <= limit:
        return report, None
    span = report.span
    middle = span.start + limit
    return (
        replace(report, span=span.part(span.start, middle)),
        replace(report, span=span.part(middle, span.stop)),
    )


def _notifications(reports: Iterable[Report]) -> int:
    """How many notifications `reports` cover; a dead token counts as one."""
    return sum([r.span.stop - r.span.start if isinstance(r, Outcome) else 1 for r in reports])
