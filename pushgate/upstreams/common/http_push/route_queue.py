"""What waits for one origin of a push service: its own queue, between the app's and its connections."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.notification import Batch
from pushgate.model.outcome import Verdict
from pushgate.plugin.upstream_interface import IWork

LOW: Final = 256
"""Notifications: fewer than these are little."""


@implementer(IWork)
class RouteQueue:
    """The queue of one route, filled by the upstream that has the app's.

    Verdicts go on to the app's queue. What comes back stays here, in its place, until `close`.

    :param work: the app's queue.
    :param now: monotonic seconds.
    :param changed: called when the route can be used, or cannot be any more.
    :param low: called when little is left of what waited.
    :ivar down_since: monotonic seconds since when the origin is of no use; None while it is, or is not known.
    """

    def __init__(
        self,
        work: IWork,
        now: Callable[[], float],
        changed: Callable[[], None],
        low: Callable[[], None],
    ) -> None:
        self._work, self._now, self._changed, self._low = work, now, changed, low
        self._ready: deque[BatchSlice] = deque()
        self._suspects: deque[BatchSlice] = deque()
        self._size = 0
        self._is_closed = False
        self.down_since: float | None = None

    # the side of its owner

    def put(self, span: BatchSlice) -> None:
        """Add a slice behind the others."""
        (self._suspects if span.alone else self._ready).append(span)
        self._size += len(span)

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        """The slice that waits and holds this member."""
        spans = (span for span in (*self._ready, *self._suspects) if span.batch.order == batch.order)
        return next((span for span in spans if span.start <= index < span.stop), None)

    def sweep(self) -> None:
        """Settle what waits and has expired, or has waited too long for an origin that is of no use."""
        self._restore(self.expire(self._emptied(), self.down_since))

    def close(self) -> None:
        """Give everything that waits, and what comes back later, to the app's queue."""
        self._is_closed = True
        spans = self._emptied()
        if spans:
            self._work.requeue(spans)

    # IWork

    def take(self, limit: int, idle: bool) -> list[BatchSlice]:
        if idle and self._suspects:
            span = self._suspects.popleft()
            if len(span) > 1:
                self._suspects.appendleft(span.part(span.start + 1, span.stop))
            self._size -= 1
            return [span.part(span.start, span.start + 1)]
        spans: list[BatchSlice] = []
        while limit > 0 and self._ready:
            span = self._ready.popleft()
            if len(span) > limit:
                self._ready.appendleft(span.part(span.start + limit, span.stop))
                span = span.part(span.start, span.start + limit)
            spans.append(span)
            limit -= len(span)
            self._size -= len(span)
        if self._size < LOW:
            self._low()
        return spans

    def depth(self) -> int:
        return self._size

    def has_suspects(self) -> bool:
        return bool(self._suspects)

    def settle(self, verdicts: Sequence[Verdict]) -> None:
        self._work.settle(verdicts)

    def requeue(self, spans: Sequence[BatchSlice]) -> None:
        if self._is_closed:
            self._work.requeue(spans)
        else:
            self._restore(spans)

    def expire(self, spans: Sequence[BatchSlice], down_since: float | None) -> list[BatchSlice]:
        left: list[BatchSlice] = self._work.expire(spans, down_since)
        return left

    def tokens_died(self, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        died: Deferred[None] = self._work.tokens_died(deaths)
        return died

    def token_rejected(
        self,
        token: bytes,
        first: bool,
        reason: DeadReason = DeadReason.INVALID_TOKEN,
        since: int | None = None,
    ) -> bool:
        rejected: bool = self._work.token_rejected(token, first, reason, since)
        return rejected

    def reachable(self, yes: bool) -> None:
        was = self.down_since
        self.down_since = None if yes else self._now() if was is None else was
        if (was is None) != yes:
            self._changed()

    # within

    def _restore(self, spans: Iterable[BatchSlice]) -> None:
        """Put slices in front of the others, in their order."""
        for span in sorted(spans, key=lambda each: each.place, reverse=True):
            (self._suspects if span.alone else self._ready).appendleft(span)
            self._size += len(span)

    def _emptied(self) -> list[BatchSlice]:
        spans = [*self._suspects, *self._ready]
        self._suspects.clear()
        self._ready.clear()
        self._size = 0
        return spans
