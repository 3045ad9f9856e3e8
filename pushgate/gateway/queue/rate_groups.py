"""Batches that have a rate of their own: they wait apart, so that none waits behind them."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch, Priority
from pushgate.model.token_bucket import TokenBucket

TICK: Final = 0.01
"""Seconds between two parts of a paced batch at least: a fast one goes in parts, not one by one."""
REMEMBERED: Final = 1000
"""Paces of which nothing waits that are remembered at most, for what is submitted to them later."""

_Key = tuple[Priority, str | int]


class RateGroup:
    """What shares one rate, in order of acceptance: a batch, or all of a priority with the same `pace`.

    :ivar due: monotonic seconds from which on one more may go.
    """

    __slots__ = ("_submitted", "due", "key", "pace", "spans")

    def __init__(self, key: _Key, rate: float, now: float) -> None:
        self.key = key
        self.spans: deque[BatchSlice] = deque()
        self.pace = TokenBucket(rate, now)
        self.due = now
        self._submitted = rate

    def submitted(self, rate: float, now: float) -> None:
        """Note the rate that a further batch came with: the last word counts, if it is a new one."""
        if rate != self._submitted:
            self._submitted = rate
            self.pace.change(rate, now)


class RateGroups:
    """The groups of one queue. Those that may send wait in `_due`, the others in `_asleep` until they may.

    :ivar depth: notifications waiting.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._groups: dict[_Key, RateGroup] = {}
        self._idle: OrderedDict[_Key, RateGroup] = OrderedDict()
        self._due: dict[Priority, dict[_Key, RateGroup]] = {priority: {} for priority in Priority}
        self._asleep: list[tuple[float, int, _Key]] = []
        self._count = 0

    def __contains__(self, batch: Batch) -> bool:
        """Whether a batch is paced: it was submitted so, or was given a rate since."""
        key = _key(batch)
        return bool(batch.terms.rate) or key in self._groups or key in self._idle

    @property
    def has_due(self) -> bool:
        """Whether some may send that were not asked yet."""
        return any(self._due.values())

    @property
    def is_held(self) -> bool:
        """Whether a group may send whose first is not cleared yet."""
        due = (group for groups in self._due.values() for group in groups.values())
        return any(not group.spans[0].cleared for group in due)

    def __iter__(self) -> Iterator[deque[BatchSlice]]:
        return (group.spans for group in list(self._groups.values()))

    def queue(self, batch: Batch) -> deque[BatchSlice] | None:
        """Where spans of this batch wait, if any do."""
        group = self._groups.get(_key(batch))
        return None if group is None else group.spans

    def put(self, span: BatchSlice, now: float) -> None:
        """Append new work."""
        key, rate = _key(span.batch), span.batch.terms.rate
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = self._recalled(key) or RateGroup(key, rate, now)
            self._wake_at(group, max(now, group.due))
        if rate:
            group.submitted(rate, now)
        group.spans.append(span)
        self.depth += len(span)

    def change(self, batch: Batch, rate: float, now: float) -> None:
        """Give a batch, and all that shares its pace, another rate; 0 sets no limit."""
        key = _key(batch)
        group = self._groups.get(key)
        if group is None:
            group = self._idle[key] = self._recalled(key) or RateGroup(key, batch.terms.rate, now)
            self._forget()
        else:
            self._due[key[0]].pop(key, None)
            self._wake_at(group, now)
        group.pace.change(rate, now)

    def head(self, priority: Priority, now: float) -> RateGroup | None:
        """Of the groups of a priority that may send, the one whose turn it is by order of acceptance."""
        self._rouse(now)
        ready = [group for group in self._due[priority].values() if group.spans[0].cleared]
        return min(ready, key=_place) if ready else None

    def take(self, group: RateGroup, limit: int, now: float) -> BatchSlice | None:
        """Take at most `limit` from a group that `head` returned; None when its rate allows none now."""
        span = group.spans[0]
        count = group.pace.allows(min(limit, len(span)), now)
        if count:
            group.spans.popleft()
            if count < len(span):
                group.spans.appendleft(span.part(span.start + count, span.stop))
            group.pace.spend(count)
            self.depth -= count
        if count < min(limit, len(span)) or group.pace.allows(1, now) == 0:
            self._due[group.key[0]].pop(group.key, None)
            self._wake_at(group, now + max(group.pace.wait(), TICK))
        self.tidy(group)
        return span.part(span.start, span.start + count) if count else None

    def lost(self, count: int) -> None:
        """So many notifications were taken out of the queues."""
        self.depth -= count
        for group in list(self._groups.values()):
            self.tidy(group)

    def wait(self, now: float) -> float | None:
        """Seconds until the next group may send that may not now; None when there is none."""
        while self._asleep:
            due, _, key = self._asleep[0]
            group = self._groups.get(key)
            if group is not None and group.due == due and key not in self._due[key[0]]:
                return max(0.0, due - now)
            heappop(self._asleep)
        return None

    def tidy(self, group: RateGroup) -> None:
        """Put a group aside of which nothing waits."""
        if not group.spans and self._groups.pop(group.key, None) is not None:
            self._due[group.key[0]].pop(group.key, None)
            if isinstance(group.key[1], str):
                self._idle[group.key] = group
                self._forget()

    def ahead(self, limit: int) -> Iterator[tuple[deque[BatchSlice], int]]:
        """The queue of each group, and how many of it may go in the next second, `limit` at most."""
        for group in self._groups.values():
            rate = group.pace.rate
            yield group.spans, min(limit, max(1, int(rate))) if rate else limit

    def _rouse(self, now: float) -> None:
        while self._asleep and self._asleep[0][0] <= now:
            due, _, key = heappop(self._asleep)
            group = self._groups.get(key)
            if group is not None and group.due == due:
                self._due[key[0]][key] = group

    def _wake_at(self, group: RateGroup, due: float) -> None:
        group.due = due
        self._count += 1
        heappush(self._asleep, (due, self._count, group.key))
        if len(self._asleep) > 2 * len(self._groups) + 100:  # entries that changes of a rate made void
            self._asleep = [each for each in self._asleep if self._is_valid(*each)]
            heapify(self._asleep)

    def _is_valid(self, due: float, _: int, key: _Key) -> bool:
        return key in self._groups and self._groups[key].due == due

    def _recalled(self, key: _Key) -> RateGroup | None:
        return self._idle.pop(key) if key in self._idle else None

    def _forget(self) -> None:
        while len(self._idle) > REMEMBERED:
            self._idle.popitem(last=False)


def _key(batch: Batch) -> _Key:
    return batch.priority, batch.terms.pace or batch.order


def _place(group: RateGroup) -> tuple[int, int]:
    return group.spans[0].place
