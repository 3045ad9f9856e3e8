"""Waiting for the outcomes of a submission: `?wait=`."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from pushgate.model.errors import NotFound
from pushgate.model.notification import MEMBER_BITS
from pushgate.model.outcome import Outcome, Report, State
from pushgate.model.outcome_record import lines, record
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.sink_interface import IOutcomeSink

BUFFER: Final = 10_000
"""Reports that may wait to be read."""
_PENDING: Final = (State.QUEUED, State.WRITTEN)


class OutcomeWait:
    """The outcomes of some members of one batch.

    :param number: the id of the first.
    :ivar records: outcome records by id, the last one of each.
    """

    def __init__(self, number: int, missing: set[int]) -> None:
        self.number, self.missing = number, missing
        self.records: dict[int, str] = {}
        self.done: Deferred[None] = Deferred()

    @property
    def batch(self) -> int:
        """The batch's part of the id."""
        return self.number >> MEMBER_BITS

    def set(self, number: int, record: str) -> None:
        """Set the outcome of one member."""
        self.records[number] = record
        self.missing.discard(number)
        if not self.missing and not self.done.called:
            self.done.callback(None)


@implementer(IOutcomeSink)
class OutcomeWaits:
    """A sink, attached before the first request that waits.

    :param name: of the sink, for the metrics.
    """

    def __init__(self, name: str, gateway: IGateway, clock: IReactorTime) -> None:
        self._name, self._gateway, self._clock = name, gateway, clock
        self._waits: dict[int, set[OutcomeWait]] = {}
        self._detach: Callable[[], None] | None = None

    # used by requests

    def enter(self) -> None:
        """Attach the sink; called before a submission whose outcomes are waited for."""
        if self._detach is None:
            self._detach = self._gateway.attach(self._name, self, BUFFER)

    def close(self) -> None:
        """Detach the sink: no request waits any more."""
        detach, self._detach = self._detach, None
        if detach is not None:
            detach()

    async def outcomes(self, number: int, members: Sequence[int], seconds: float, again: bool) -> OutcomeWait:
        """Wait until all members of a batch have an outcome, or the time is over; return what is known.

        :param number: the id of member 0.
        :param again: the submission may be an old one repeated, whose outcomes were reported before.
        """
        wait = OutcomeWait(number, {number + index for index in members})
        if again:
            await self._ask(wait)
        if wait.missing and seconds > 0:
            await self._settled(wait, seconds)
        if wait.missing:
            await self._ask(wait)
        return wait

    async def _settled(self, wait: OutcomeWait, seconds: float) -> None:
        together = self._waits.setdefault(wait.batch, set())
        together.add(wait)
        timer = self._clock.callLater(seconds, wait.done.callback, None)
        try:
            await wait.done
        finally:
            if timer.active():
                timer.cancel()
            together.discard(wait)
            if not together:
                self._waits.pop(wait.batch, None)

    async def _ask(self, wait: OutcomeWait) -> None:
        """Ask the gateway for what was not reported here: a report may have been dropped, or be old."""
        ask: Callable[[int], Any] = self._gateway.status
        for number in sorted(wait.missing):
            try:
                outcome: Outcome = await maybeDeferred(ask, number)
            except NotFound:
                continue
            if outcome.state in _PENDING:
                wait.records[number] = record(outcome)
            else:
                wait.set(number, record(outcome))

    # IOutcomeSink

    def start(self) -> None:
        """Open nothing."""

    def emit(self, reports: Sequence[Report]) -> None:
        """Pass reports on to the requests that wait for them."""
        for report in reports:
            if isinstance(report, Outcome):
                for wait in list(self._waits.get(report.span.batch.id >> MEMBER_BITS, ())):
                    _pass_on(wait, report)

    def reopen(self) -> None:
        """Reopen nothing."""

    def stop(self) -> None:
        """Flush nothing: requests that still wait ask the gateway."""


def _pass_on(wait: OutcomeWait, report: Outcome) -> None:
    span = report.span
    batch = span.batch.id
    for index, line in zip(range(span.start, span.stop), lines(report), strict=True):
        if batch + index in wait.missing or batch + index in wait.records:
            wait.set(batch + index, line)
