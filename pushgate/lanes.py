"""The queue of one app: what waits to be written, urgent before bulk, each in its order."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from msgspec.structs import replace

from pushgate.notification import Batch, Priority
from pushgate.span import Span

_place = attrgetter("place")
_Queue = deque[Span]


class Lane:
    """Three queues; within each, spans stand in the order of acceptance.

    Urgent spans (priority 10) always go before bulk ones (priority 5). Suspects, spans that must travel
    alone, wait apart from both, so that nobody waits behind them.

    :ivar depth: notifications waiting.
    """

    def __init__(self) -> None:
        self._suspects: _Queue = deque()
        self._by_priority: dict[Priority, _Queue] = {Priority.URGENT: deque(), Priority.BULK: deque()}
        self.depth = 0

    def __iter__(self) -> Iterator[Span]:
        for queue in self._queues():
            yield from queue

    @property
    def has_suspects(self) -> bool:
        """Whether spans wait that must travel alone."""
        return bool(self._suspects)

    def put(self, span: Span) -> None:
        """Append new work, later than all that waits."""
        self._queue_of(span).append(span)
        self.depth += len(span)

    def requeue(self, spans: Iterable[Span]) -> None:
        """Put spans back where they belong by order of acceptance, which is near the front."""
        for span in sorted(spans, key=_place, reverse=True):
            queue = self._queue_of(span)
            passed = []
            while queue and queue[0].place < span.place:
                passed.append(queue.popleft())
            queue.appendleft(span)
            queue.extendleft(reversed(passed))
            self.depth += len(span)

    def take(self, limit: int) -> Span | None:
        """Take at most `limit` notifications from the front; None when nothing waits that may go in company.

        A priority whose front is not cleared yet is passed over.
        """
        for queue in self._by_priority.values():
            if queue and queue[0].cleared:
                return self._take(queue, limit)
        return None

    def take_suspects(self) -> list[Span]:
        """Take the next suspects: as many together as each of them may travel with, itself included."""
        taken: list[Span] = []
        company, room = 0, self._suspects[0].alone if self._suspects else 0
        while company < room:
            taken.append(self._take(self._suspects, room - company))
            company += len(taken[-1])
            room = min(room, self._suspects[0].alone) if self._suspects else 0
        return taken

    def uncleared(self, ahead: int) -> list[Span]:
        """Of the first `ahead` notifications of each priority, those that must be cleared before they go."""
        found: list[Span] = []
        for queue in self._by_priority.values():
            room = ahead
            for span in queue:
                if room <= 0:
                    break
                if not span.cleared:
                    found.append(span.part(span.start, min(span.stop, span.start + room)))
                room -= len(span)
        return found

    def clear(self, span: Span) -> None:
        """Let what still waits of a span that `uncleared` returned be taken."""
        queue = self._queue_of(span)
        at, end = bisect_left(queue, span.place, key=_place), (span.batch.order, span.stop)
        while at < len(queue) and queue[at].place < end:
            each = queue[at]
            stop = min(each.stop, span.stop)
            queue[at] = replace(each.part(each.start, stop), cleared=True)
            if stop < each.stop:
                queue.insert(at + 1, each.part(stop, each.stop))
            at += 1

    def find(self, batch: Batch, index: int) -> Span | None:
        """The waiting span that holds member `index` of `batch`."""
        for queue in (self._suspects, self._by_priority[batch.terms.priority]):
            at = bisect_right(queue, (batch.order, index), key=_place) - 1
            if at >= 0 and queue[at].batch.order == batch.order and queue[at].stop > index:
                return queue[at]
        return None

    def withdraw(self, span: Span, index: int) -> Span:
        """Take the one member `index` out of a waiting `span` that `find` returned."""
        queue = self._queue_of(span)
        at = bisect_right(queue, span.place, key=_place) - 1
        del queue[at]
        if index + 1 < span.stop:
            queue.insert(at, span.part(index + 1, span.stop))
        if span.start < index:
            queue.insert(at, span.part(span.start, index))
        self.depth -= 1
        return span.part(index, index + 1)

    def drop(self, unwanted: Callable[[Span], bool]) -> list[Span]:
        """Take out every span of which `unwanted` is true."""
        dropped: list[Span] = []
        for queue in self._queues():
            kept: list[Span] = []
            gone: list[Span] = []
            for span in queue:
                (gone if unwanted(span) else kept).append(span)  # asked once: the answer may depend on time
            if gone:
                queue.clear()
                queue.extend(kept)
                dropped += gone
        self.depth -= sum(map(len, dropped))
        return dropped

    def _queues(self) -> tuple[_Queue, ...]:
        return (self._suspects, *self._by_priority.values())

    def _queue_of(self, span: Span) -> _Queue:
        return self._suspects if span.alone else self._by_priority[span.batch.terms.priority]

    def _take(self, queue: _Queue, limit: int) -> Span:
        span = queue.popleft()
        if len(span) > limit:
            queue.appendleft(span.part(span.start + limit, span.stop))
            span = span.part(span.start, span.start + limit)
        self.depth -= len(span)
        return span
