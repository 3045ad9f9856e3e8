"""A fake spool, for tests of the code that calls spools."""

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from pushgate.gateway.spool.interface import ISpool, Kept, Page, Undelivered
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import CannotStart
from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, Report


@implementer(ISpool)
class RecordingSpool:
    """Keeps batches in a list; a submission is answered when a test says that it is safe.

    :ivar kept: the batches it was given.
    :ivar settled: the outcomes it was given.
    :ivar reports: those not delivered yet, by the number of the call that brought them.
    :ivar finished: the orders of the batches that are done.
    :ivar recovered: the batches kept before the start, in order.
    :ivar pages_asked: app, priority and order of each page that was asked for.
    :ivar holding: while true, `page`, `find`, `intend`, `bury` and `unbury` wait for `answer`.
    :ivar busy: while true, `settle` waits for it too.
    :ivar dead_tokens: the dead tokens it keeps, by app and token.
    :ivar intended: the slices that `intend` was given.
    :ivar forgone: those that `forgo` was given.
    :ivar faults: those of the `CannotStart` that `start` raises while there are some.
    :ivar taken: what `note_taken` was given last, by sink.
    :ivar closed: whether it was closed.
    """

    pages = True

    def __init__(self, *recovered: Kept) -> None:
        self.kept: list[Batch] = []
        self.settled: list[Outcome] = []
        self.reports: list[tuple[int, tuple[Report, ...]]] = []
        self.finished: list[int] = []
        self.recovered = list(recovered)
        self.pages_asked: list[tuple[str, int, int]] = []
        self.intended: list[BatchSlice] = []
        self.forgone: list[BatchSlice] = []
        self.dead_tokens: dict[str, dict[bytes, DeadTokenEntry]] = {}
        self.faults: list[str] = []
        self.taken: dict[str, int] = {}
        self.holding = self.busy = self.closed = False
        self._restart = 0
        self._held: list[Deferred[int]] = []
        self._asked: list[Deferred[None]] = []

    def start(self) -> None:
        if self.faults:
            raise CannotStart(self.faults)
        self._restart = self.last_order()

    def append(self, batch: Batch, key: str | None) -> Deferred[int]:
        self.kept.append(batch)
        self._held.append(Deferred())
        return self._held[-1]

    def settle(self, number: int, reports: Sequence[Report]) -> Deferred[None]:
        self.settled += [report for report in reports if isinstance(report, Outcome)]
        self.reports.append((number, tuple(reports)))
        return self._answer() if self.busy else succeed(None)

    def delivered(self, numbers: Sequence[int], finished: Sequence[int]) -> None:
        self.reports = [each for each in self.reports if each[0] not in numbers]
        self.finished += finished

    def note_taken(self, numbers: Mapping[str, int]) -> None:
        self.taken.update(numbers)

    def intend(self, spans: Sequence[BatchSlice]) -> Deferred[None]:
        self.intended += spans
        return self._answer()

    def forgo(self, spans: Sequence[BatchSlice]) -> None:
        self.forgone += spans

    def page(self, app: str, priority: int, after: int, limit: int) -> Deferred[Page]:
        """One batch a page, or none when nothing is left of it."""
        self.pages_asked.append((app, priority, after))
        return self._answer().addCallback(lambda _: self._page(app, priority, after))

    def find(self, number: int) -> Deferred[Kept | None]:
        return self._answer().addCallback(lambda _: self._find(number))

    def waiting(self) -> dict[tuple[str, int], int]:
        counts: dict[tuple[str, int], int] = {}
        for each in self.recovered:
            queue = each.batch.app, int(each.batch.priority)
            counts[queue] = counts.get(queue, 0) + sum(stop - start for start, stop in each.left)
        return counts

    def last_order(self) -> int:
        return max((each.batch.order for each in self.recovered), default=0)

    def undelivered(self) -> Undelivered:
        finished = [each.batch.order for each in map(self._now, self.recovered) if not each.left]
        return Undelivered(tuple(self.reports), tuple(finished), dict(self.taken))

    def bury(self, app: str, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        return self._answer().addCallback(lambda _: self._bury(app, deaths))

    def unbury(self, app: str, tokens: Sequence[bytes]) -> Deferred[None]:
        return self._answer().addCallback(lambda _: self._unbury(app, tokens))

    def confirm(self, app: str) -> None:
        self._answer().addCallback(lambda _: self._confirm(app))

    def dead(self, app: str, after: bytes, limit: int) -> Deferred[list[DeadTokenEntry]]:
        return self._answer().addCallback(lambda _: self._dead(app, after, limit))

    def close(self) -> Deferred[None]:
        self.closed = True
        return succeed(None)

    def release(self) -> None:
        """Report that all batches are safe."""
        held, self._held = self._held, []
        for kept, deferred in zip(self.kept[len(self.kept) - len(held) :], held, strict=True):
            self.recovered.append(Kept(kept, _left(kept)))
            deferred.callback(kept.id)

    def fail(self, error: Exception) -> None:
        """Report that the last batch could not be kept."""
        self._held.pop().errback(error)

    def answer(self) -> None:
        """Answer the calls that were held."""
        asked, self._asked = self._asked, []
        for deferred in asked:
            deferred.callback(None)

    def _answer(self) -> Deferred[None]:
        if not (self.holding or self.busy):
            return succeed(None)
        self._asked.append(Deferred())
        return self._asked[-1]

    def _bury(self, app: str, deaths: Sequence[DeadTokenEntry]) -> None:
        entries = self.dead_tokens.setdefault(app, {})
        for death in deaths:
            before = entries.get(death.token)
            if before is None or death.since >= before.since:
                entries[death.token] = death

    def _unbury(self, app: str, tokens: Sequence[bytes]) -> None:
        for token in tokens:
            self.dead_tokens.get(app, {}).pop(token, None)

    def _confirm(self, app: str) -> None:
        certain = {
            token: DeadTokenEntry(token, death.since, death.reason)
            for token, death in self.dead_tokens.get(app, {}).items()
        }
        self.dead_tokens[app] = certain

    def _dead(self, app: str, after: bytes, limit: int) -> list[DeadTokenEntry]:
        entries = self.dead_tokens.get(app, {})
        return [entries[token] for token in sorted(entries) if token > after][:limit]

    def _page(self, app: str, priority: int, after: int) -> Page:
        later = [
            each
            for each in map(self._now, self.recovered)
            if (each.batch.app, each.batch.priority) == (app, priority) and each.batch.order > after
        ]
        last = max([after, *(each.batch.order for each in later[:1])])
        return Page(tuple(each for each in later[:1] if each.left), last, len(later) > 1)

    def _find(self, number: int) -> Kept | None:
        found = (each for each in self.recovered if each.batch.id >> 16 == number >> 16)
        return next(map(self._now, found), None)

    def _now(self, kept: Kept) -> Kept:
        """A batch without the members that were settled meanwhile."""
        gone = {
            index
            for outcome in self.settled
            if outcome.span.batch.id == kept.batch.id
            for index in range(outcome.span.start, outcome.span.stop)
        }
        left = [
            (index, index + 1)
            for start, stop in kept.left
            for index in range(start, stop)
            if index not in gone
        ]
        restarted = kept.batch.order <= self._restart
        return Kept(kept.batch, tuple(left) if gone else kept.left, kept.intended, restarted)


def _left(batch: Batch) -> tuple[tuple[int, int], ...]:
    members = (index for index in range(len(batch)) if index not in batch.refused)
    return tuple((index, index + 1) for index in members) if batch.refused else ((0, len(batch)),)
