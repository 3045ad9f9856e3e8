"""What is known of one notification: in memory, on the way to the sinks, and to those that remember."""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec.structs import replace

from pushgate.gateway.apps.app import App
from pushgate.gateway.outcomes.outbox import Outbox
from pushgate.gateway.outcomes.tracker import TrackedBatch
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import NotFound
from pushgate.model.history import Event
from pushgate.model.notification import MAX_BATCH, Batch
from pushgate.model.outcome import Outcome, State
from pushgate.model.trace import NotificationTrace

_DIGITS: Final = 3
"""Of the seconds of two outcomes that are the same one, remembered twice."""


class OutcomeSources:
    """Puts together what is known in different places.

    :param wall: Unix seconds.
    """

    def __init__(self, outbox: Outbox, wall: Callable[[], float]) -> None:
        self._outbox, self._wall = outbox, wall

    async def last(self, number: int) -> Outcome:
        """The last outcome of a notification that is not in memory; raise `NotFound` when none is known."""
        outcomes = await self.remembered(number)
        if not outcomes:
            raise NotFound
        return outcomes[-1]

    async def remembered(self, number: int) -> list[Outcome]:
        """Return the outcomes that the first sink with a history knows, and those not delivered yet."""
        fresh = [member(outcome, number % MAX_BATCH) for outcome in self._outbox.undelivered(number)]
        for history in self._outbox.histories():
            if outcomes := await history.remembered(number):
                return _united(outcomes, fresh)
        return fresh

    async def trace(
        self, number: int, reported: Iterable[Outcome], pending: Outcome | None
    ) -> NotificationTrace:
        """The trace of a notification; raise `NotFound` when nothing is known.

        :param reported: its outcomes in memory.
        :param pending: where it is, as if that were an outcome; None when it is done.
        """
        outcomes = _united(await self.remembered(number), reported)
        if not outcomes and pending is None:
            raise NotFound
        return NotificationTrace(tuple(outcomes), pending)

    def reported(self, entry: TrackedBatch, index: int) -> list[Outcome]:
        """The outcomes in memory of one member."""
        return [member(outcome, index) for outcome in entry.reported(index)]

    def pending(self, app: App, entry: TrackedBatch, index: int) -> Outcome | None:
        """Where a member is on its way; None when it is done."""
        span = app.queue.find(entry.batch, index)
        if span is not None:
            return self.on_its_way(span, index, State.QUEUED)
        span = app.slot.in_flight(entry.batch, index)
        if span is None and entry.outcome(index) is None:
            span = written(entry.batch)
        if span is None:
            return None
        return self.on_its_way(span, index, State.QUEUED if _waits(span) else State.WRITTEN)

    def on_its_way(self, span: BatchSlice, index: int, state: State) -> Outcome:
        """A member that is queued or written, as if that were an outcome."""
        return member(Outcome(span, state, None, "", self._wall(), ""), index)


def written(batch: Batch) -> BatchSlice:
    """All of a batch as one slice, to report on a member that was written: once at least."""
    return BatchSlice(batch, 0, len(batch), attempts=1)


def _waits(span: BatchSlice) -> bool:
    """Whether what an upstream has taken is on no connection: to be written, or to be written again."""
    return span.past[-1].event is not Event.WRITTEN if span.past else not span.attempts


def member(outcome: Outcome, index: int) -> Outcome:
    """The outcome of one member alone."""
    return replace(outcome, span=outcome.span.part(index, index + 1))


def _united(outcomes: Iterable[Outcome], others: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes, and then those of the others that are not among them."""
    united = {_key(outcome): outcome for outcome in outcomes}
    for outcome in others:
        united.setdefault(_key(outcome), outcome)
    return list(united.values())


def _key(outcome: Outcome) -> tuple[State, float, bool]:
    return outcome.state, round(outcome.at, _DIGITS), outcome.span.recalled
