"""The queue of one app: what waits to be written, urgent before bulk, each in its order."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from msgspec.structs import replace

from pushgate.gateway.queue.rate_groups import RateGroups
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch, Priority

_place = attrgetter("place")
_Queue = deque[BatchSlice]


class PriorityQueue:
    """A queue for each priority and more; within each, spans stand in the order of acceptance.

    Urgent spans (priority 10) always go before bulk ones (priority 5), and these before low ones. Suspects,
    spans that must travel alone, wait apart from them, so that none waits behind them; so do batches with a
    rate of their own.
    What of these was taken and comes back goes as soon as any other: it has waited for its turn already.

    :ivar depth: notifications waiting.
    :ivar paced: those of them with a rate of their own.
    """

    def __init__(self) -> None:
        self._suspects: _Queue = deque()
        self._by_priority: dict[Priority, _Queue] = {each: deque() for each in sorted(Priority, reverse=True)}
        self.paced = RateGroups()
        self.depth = 0

    def __iter__(self) -> Iterator[BatchSlice]:
        for queue in (*self._queues(), *self.paced):
            yield from queue

    @property
    def has_suspects(self) -> bool:
        """Whether spans wait that must travel alone."""
        return bool(self._suspects)

    @property
    def has_ready(self) -> bool:
        """Whether some wait for nothing but to be taken."""
        return self.paced.has_due or any(self._by_priority.values())

    @property
    def is_held(self) -> bool:
        """Whether something would be next that is not cleared yet."""
        return self.paced.is_held or any(
            queue and not queue[0].cleared for queue in self._by_priority.values()
        )

    @property
    def oldest(self) -> float | None:
        """When the oldest was accepted that does not wait for a rate of its own, in Unix seconds."""
        return min((queue[0].batch.accepted_at for queue in self._queues() if queue), default=None)

    def put(self, span: BatchSlice, now: float = 0.0) -> None:
        """Append new work, later than all that waits."""
        if span.batch in self.paced:
            self.paced.put(span, now)
        else:
            self._queue_of(span).append(span)
        self.depth += len(span)

    def pace(self, batch: Batch, rate: float, now: float) -> None:
        """Give a batch, there or yet to come, and all that shares its pace, another rate; 0 is no limit."""
        was_paced = batch in self.paced
        self.paced.change(batch, rate, now)
        if was_paced:
            return
        queue = self._by_priority[batch.priority]
        moved = [each for each in queue if each.batch.order == batch.order]
        if moved:
            others = [each for each in queue if each.batch.order != batch.order]
            queue.clear()
            queue.extend(others)
            for each in moved:
                self.paced.put(each, now)

    def requeue(self, spans: Iterable[BatchSlice]) -> None:
        """Put spans back where they belong by order of acceptance, which is near the front."""
        for span in sorted(spans, key=_place, reverse=True):
            queue = self._queue_of(span)
            passed = []
            while queue and queue[0].place < span.place:
                passed.append(queue.popleft())
            queue.appendleft(span)
            queue.extendleft(reversed(passed))
            self.depth += len(span)

    def take(self, limit: int, now: float = 0.0) -> BatchSlice | None:
        """Take at most `limit` notifications from the front; None when nothing waits that may go in company.

        A queue whose front is not cleared yet is passed over.

        :param now: monotonic seconds, for what has a rate of its own.
        """
        for priority, queue in self._by_priority.items():
            front = queue[0] if queue and queue[0].cleared else None
            span = self._take_paced(priority, front, limit, now) if self.paced.depth else None
            if span is None and front is not None:
                span = self._take(queue, limit)
            if span is not None:
                return span
        return None

    def take_suspects(self) -> list[BatchSlice]:
        """Take the next suspects: as many together as each of them may travel with, itself included."""
        taken: list[BatchSlice] = []
        company, room = 0, self._suspects[0].alone if self._suspects else 0
        while company < room:
            taken.append(self._take(self._suspects, room - company))
            company += len(taken[-1])
            room = min(room, self._suspects[0].alone) if self._suspects else 0
        return taken

    def uncleared(self, ahead: int) -> list[BatchSlice]:
        """Of the first `ahead` notifications of each priority, those that must be cleared before they go."""
        found: list[BatchSlice] = []
        queues: list[tuple[_Queue, int]] = [(queue, ahead) for queue in self._by_priority.values()]
        for queue, limit in (*queues, *self.paced.ahead(ahead)):
            room = limit
            for span in queue:
                if room <= 0:
                    break
                if not span.cleared:
                    found.append(span.part(span.start, min(span.stop, span.start + room)))
                room -= len(span)
        return found

    def clear(self, span: BatchSlice) -> None:
        """Let what still waits of a span that `uncleared` returned be taken."""
        for queue in self._holding(span.batch):
            at, end = bisect_left(queue, span.place, key=_place), (span.batch.order, span.stop)
            while at < len(queue) and queue[at].place < end:
                each = queue[at]
                stop = min(each.stop, span.stop)
                queue[at] = replace(each.part(each.start, stop), cleared=True)
                if stop < each.stop:
                    queue.insert(at + 1, each.part(stop, each.stop))
                at += 1

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        """The waiting span that holds member `index` of `batch`."""
        for queue in self._holding(batch):
            at = bisect_right(queue, (batch.order, index), key=_place) - 1
            if at >= 0 and queue[at].batch.order == batch.order and queue[at].stop > index:
                return queue[at]
        return None

    def withdraw(self, span: BatchSlice, index: int) -> BatchSlice:
        """Take the one member `index` out of a waiting `span` that `find` returned."""
        queue, at = next(
            (queue, at)
            for queue in self._holding(span.batch)
            if (at := bisect_right(queue, span.place, key=_place) - 1) >= 0 and queue[at].place == span.place
        )
        del queue[at]
        if index + 1 < span.stop:
            queue.insert(at, span.part(index + 1, span.stop))
        if span.start < index:
            queue.insert(at, span.part(span.start, index))
        self.depth -= 1
        if queue is self.paced.queue(span.batch):
            self.paced.lost(1)
        return span.part(index, index + 1)

    def drop(self, unwanted: Callable[[BatchSlice], bool]) -> list[BatchSlice]:
        """Take out every span of which `unwanted` is true."""
        dropped: list[BatchSlice] = []
        for queue in self._queues():
            dropped += _sift(queue, unwanted)
        paced = [span for queue in self.paced for span in _sift(queue, unwanted)]
        if paced:
            self.paced.lost(sum(map(len, paced)))
            dropped += paced
        self.depth -= sum(map(len, dropped))
        return dropped

    def _queues(self) -> tuple[_Queue, ...]:
        return (self._suspects, *self._by_priority.values())

    def _holding(self, batch: Batch) -> Sequence[_Queue]:
        """The queues in which spans of this batch may be."""
        paced = self.paced.queue(batch)
        queues = self._suspects, self._by_priority[batch.priority]
        return queues if paced is None else (*queues, paced)

    def _queue_of(self, span: BatchSlice) -> _Queue:
        return self._suspects if span.alone else self._by_priority[span.batch.priority]

    def _take_paced(
        self, priority: Priority, front: BatchSlice | None, limit: int, now: float
    ) -> BatchSlice | None:
        """Take from the next batch that may send, unless `front`, which has no rate, is older."""
        while (group := self.paced.head(priority, now)) is not None:
            if front is not None and front.place < group.spans[0].place:
                return None
            span = self.paced.take(group, limit, now)
            if span is not None:
                self.depth -= len(span)
                return span
        return None

    def _take(self, queue: _Queue, limit: int) -> BatchSlice:
        span = queue.popleft()
        if len(span) > limit:
            queue.appendleft(span.part(span.start + limit, span.stop))
            span = span.part(span.start, span.start + limit)
        self.depth -= len(span)
        return span


def _sift(queue: _Queue, unwanted: Callable[[BatchSlice], bool]) -> list[BatchSlice]:
    """Take out of a queue every span of which `unwanted` is true."""
    kept: list[BatchSlice] = []
    gone: list[BatchSlice] = []
    for span in queue:
        (gone if unwanted(span) else kept).append(span)  # asked once: the answer may depend on time
    if gone:
        queue.clear()
        queue.extend(kept)
    return gone
