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
from pushgate.plugin.interfaces import IGateway, IOutcomeSink

BUFFER: Final = 10_000
"""Reports that may wait to be looked through."""
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
        """The batch, as ids have it."""
        return self.number >> MEMBER_BITS

    def told(self, number: int, record: str) -> None:
        """The outcome of one."""
        self.records[number] = record
        self.missing.discard(number)
        if not self.missing and not self.done.called:
            self.done.callback(None)


@implementer(IOutcomeSink)
class OutcomeWaits:
    """A sink, attached from the first time that anybody waits.

    :param name: of the sink, for the metrics.
    """

    def __init__(self, name: str, gateway: IGateway, clock: IReactorTime) -> None:
        self._name, self._gateway, self._clock = name, gateway, clock
        self._waits: dict[int, set[OutcomeWait]] = {}
        self._detach: Callable[[], None] | None = None

    # used by who waits

    def enter(self) -> None:
        """Say before a submission that its outcomes will be waited for."""
        if self._detach is None:
            self._detach = self._gateway.attach(self._name, self, BUFFER)

    def close(self) -> None:
        """Nobody will wait any more."""
        detach, self._detach = self._detach, None
        if detach is not None:
            detach()

    async def outcomes(self, number: int, members: Sequence[int], seconds: float, again: bool) -> OutcomeWait:
        """What is known of the members of a batch when all have an outcome, or the time is over.

        :param number: the id of member 0.
        :param again: the submission may be an old one repeated, whose outcomes have long been told.
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
        bell = self._clock.callLater(seconds, wait.done.callback, None)
        try:
            await wait.done
        finally:
            if bell.active():
                bell.cancel()
            together.discard(wait)
            if not together:
                self._waits.pop(wait.batch, None)

    async def _ask(self, wait: OutcomeWait) -> None:
        """Take from the books what nobody told: a report may have been dropped, or be old."""
        ask: Callable[[int], Any] = self._gateway.status
        for number in sorted(wait.missing):
            try:
                outcome: Outcome = await maybeDeferred(ask, number)
            except NotFound:
                continue
            if outcome.state in _PENDING:
                wait.records[number] = record(outcome)
            else:
                wait.told(number, record(outcome))

    # IOutcomeSink

    def start(self) -> None:
        """Nothing is to be opened."""

    def emit(self, reports: Sequence[Report]) -> None:
        """Tell those who wait for it."""
        for report in reports:
            if isinstance(report, Outcome):
                for wait in list(self._waits.get(report.span.batch.id >> MEMBER_BITS, ())):
                    _tell(wait, report)

    def reopen(self) -> None:
        """There are no files."""

    def stop(self) -> None:
        """Nothing is to be flushed: who waits longer asks the books."""


def _tell(wait: OutcomeWait, report: Outcome) -> None:
    span = report.span
    batch = span.batch.id
    for index, line in zip(range(span.start, span.stop), lines(report), strict=True):
        if batch + index in wait.missing or batch + index in wait.records:
            wait.told(batch + index, line)
