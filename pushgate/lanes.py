"""The queue of one app: what waits to be written, urgent before bulk, each in its order."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from pushgate.notification import Priority
from pushgate.span import Span

_place = attrgetter("place")


class Lane:
    """Two queues, by priority; within each, spans stand in the order of acceptance.

    Urgent spans (priority 10) always go before bulk ones (priority 5).

    :ivar depth: notifications waiting.
    """

    def __init__(self) -> None:
        self._queues: dict[Priority, deque[Span]] = {
            Priority.URGENT: deque(),
            Priority.BULK: deque(),
        }
        self.depth = 0

    def __iter__(self) -> Iterator[Span]:
        for queue in self._queues.values():
            yield from queue

    def put(self, span: Span) -> None:
        """Append new work, later than all that waits."""
        self._queues[span.batch.terms.priority].append(span)
        self.depth += len(span)

    def requeue(self, spans: Iterable[Span]) -> None:
        """Put spans back where they belong by order of acceptance, which is near the front."""
        for span in sorted(spans, key=_place, reverse=True):
            queue = self._queues[span.batch.terms.priority]
            passed = []
            while queue and queue[0].place < span.place:
                passed.append(queue.popleft())
            queue.appendleft(span)
            queue.extendleft(reversed(passed))
            self.depth += len(span)

    def take(self, limit: int) -> Span | None:
        """Take at most `limit` notifications from the front; None when nothing waits."""
        for queue in self._queues.values():
            if queue:
                span = queue.popleft()
                if len(span) > limit:
                    queue.appendleft(span.part(span.start + limit, span.stop))
                    span = span.part(span.start, span.start + limit)
                self.depth -= len(span)
                return span
        return None

    def peek(self) -> Span | None:
        """The span that `take` would take from."""
        for queue in self._queues.values():
            if queue:
                return queue[0]
        return None

    def find(self, priority: Priority, order: int, index: int) -> Span | None:
        """The waiting span that holds member `index` of the batch with this `order`."""
        queue = self._queues[priority]
        at = bisect_right(queue, (order, index), key=_place) - 1
        if at >= 0 and queue[at].batch.order == order and queue[at].stop > index:
            return queue[at]
        return None

    def withdraw(self, span: Span, index: int) -> Span:
        """Take the one member `index` out of a waiting `span` that `find` returned."""
        queue = self._queues[span.batch.terms.priority]
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
        for priority, queue in self._queues.items():
            gone = [span for span in queue if unwanted(span)]
            if gone:
                self._queues[priority] = deque(span for span in queue if not unwanted(span))
                dropped += gone
        self.depth -= sum(map(len, dropped))
        return dropped
