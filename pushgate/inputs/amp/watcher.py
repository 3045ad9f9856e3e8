"""The sinks behind connections that watch outcomes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from pushgate.model.outcome import DeadToken, Report
from pushgate.model.outcome_record import lines
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.protocols.amp.commands import MAX_VALUE

WINDOW: Final = 4
"""Calls of `Outcomes` under way at most, so that a watcher is neither starved nor flooded."""
PIECE: Final = 256
"""Records written at a time: a report may cover a whole batch."""


@implementer(IOutcomeSink)
class Watcher:
    """Sends outcome records, a few boxes at a time, as they are acknowledged.

    :ivar app: the only app whose outcomes are sent, None for all.
    :param send: sends one value of records; each must be followed by a call of `acknowledged` or `close`.
    :param sees: returns True if the peer may read of an app; called for each report.
    :param timeout: seconds until an acknowledgement must have come.
    :param gave_up: called when none has.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        sees: Callable[[str], bool],
        clock: IReactorTime,
        timeout: float,
        gave_up: Callable[[], None],
    ) -> None:
        self.app: str | None = None
        self._send, self._sees = send, sees
        self._clock, self._timeout, self._gave_up = clock, timeout, gave_up
        self._values: Iterator[bytes] = iter(())
        self._unacknowledged = 0
        self._taken: Deferred[None] | None = None
        self._deadline: IDelayedCall | None = None
        self._closed = False

    def start(self) -> None:
        """Open nothing."""

    def emit(self, reports: Sequence[Report]) -> Deferred[None] | None:
        """Send the records; fires when the peer has acknowledged the last of them, or is gone."""
        if self._closed:
            return None
        self._values = _values(self._records(reports))
        self._fill()
        if not self._unacknowledged:
            return None
        self._taken = Deferred()
        return self._taken

    def acknowledged(self) -> None:
        """Note that the peer has taken one value."""
        if self._closed:
            return
        self._unacknowledged -= 1
        self._stop_waiting()
        self._fill()
        if not self._unacknowledged:
            self._finish()

    def extend(self) -> None:
        """Give the peer the same time again."""
        self._deadline = self._clock.callLater(self._timeout, self._expired)

    def reopen(self) -> None:
        """Reopen nothing."""

    def stop(self) -> None:
        """Flush nothing: `emit` has fired."""
        self.close()

    def close(self) -> None:
        """Send nothing more; harmless when closed already."""
        self._closed = True
        self._stop_waiting()
        self._finish()

    def _fill(self) -> None:
        while self._unacknowledged < WINDOW and (value := next(self._values, None)) is not None:
            self._unacknowledged += 1
            self._send(value)
        if self._unacknowledged and self._deadline is None:
            self.extend()

    def _records(self, reports: Sequence[Report]) -> Iterator[str]:
        for report in reports:
            app = report.app if isinstance(report, DeadToken) else report.span.batch.app
            if self.app in (None, app) and self._sees(app):
                for piece in _pieces(report):
                    yield from lines(piece)

    def _finish(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.callback(None)

    def _stop_waiting(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.cancel()

    def _expired(self) -> None:
        self._deadline = None
        self._gave_up()


class Watchers:
    """The watchers of one input.

    :param name: the input's name.
    :param buffer: reports that may wait for one watcher.
    :ivar timeout: seconds that a watcher has to acknowledge outcomes.
    """

    def __init__(self, name: str, buffer: int, timeout: float, gateway: IGateway, context: Context) -> None:
        self._name, self._buffer, self.timeout = name, buffer, timeout
        self._gateway, self._clock, self._metrics = gateway, context.reactor, context.metrics
        self._numbers: set[int] = set()

    def attach(
        self, send: Callable[[bytes], None], sees: Callable[[str], bool], gave_up: Callable[[], None]
    ) -> tuple[Watcher, Callable[[], None]]:
        """A sink for one connection, and what detaches it."""
        watcher = Watcher(send, sees, self._clock, self.timeout, gave_up)
        # The lowest free number: a sink's name is a label of metrics, of which there must not be ever more.
        number = next(n for n in range(1, len(self._numbers) + 2) if n not in self._numbers)
        detach = self._gateway.attach(f"{self._name}.watch-{number}", watcher, self._buffer)
        self._numbers.add(number)

        def leave() -> None:
            self._numbers.discard(number)
            detach()

        return watcher, leave

    def count_dropped(self, reason: str) -> None:
        """Count a watcher that gets no further outcomes, though it did not leave."""
        self._metrics.count("pushgate_watchers_dropped_total", self._name, reason)


def _pieces(report: Report) -> Iterator[Report]:
    """The report in parts of at most `PIECE` notifications."""
    if isinstance(report, DeadToken):
        yield report
        return
    span = report.span
    for start in range(span.start, span.stop, PIECE):
        part = span.part(start, min(start + PIECE, span.stop))
        yield msgspec.structs.replace(report, span=part)


def _values(records: Iterable[str]) -> Iterator[bytes]:
    """Records joined by newlines, as many as go into one AMP value."""
    joined: list[bytes] = []
    size = 0
    for record in records:
        line = record.encode()
        if joined and size + len(line) > MAX_VALUE:
            yield b"\n".join(joined)
            joined, size = [], 0
        joined.append(line)
        size += len(line) + 1
    if joined:
        yield b"\n".join(joined)
