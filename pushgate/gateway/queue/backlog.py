"""What of one app's accepted notifications is in the spool only, and how it comes back into memory."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.gateway.spool.interface import ISpool, Kept
from pushgate.model.notification import Batch, Priority
from pushgate.model.packed import Packed

PACED: Final = 128_000_000
"""Bytes of batches of one priority with a rate of their own in memory. They count by themselves, so that
others are brought in past them; beyond so many nothing more is brought in until some have gone."""
PAGE: Final = 4_000_000
"""Bytes of batches brought in at once."""
_OVERHEAD: Final = 1500
"""Bytes that a batch costs besides its tokens and payloads."""


class Backlog:
    """Batches of one app in the order of acceptance: the first in memory, later ones in the spool only.

    :param bring: queues a batch that came from the spool.
    :param waiting: how many notifications wait in memory, those with a rate of their own left out.
    :param held: see `Limits`.
    :param few: see `Limits`.
    """

    log = Logger()

    def __init__(
        self,
        app: str,
        spool: ISpool,
        bring: Callable[[Kept], None],
        waiting: Callable[[], int],
        held: int,
        few: int,
    ) -> None:
        self._app, self._spool, self._bring = app, spool, bring
        self._waiting, self._limit, self._few = waiting, held, few
        self._count = dict.fromkeys(Priority, 0)
        self._held = dict.fromkeys(Priority, 0)
        self._paced = dict.fromkeys(Priority, 0)
        self._last = dict.fromkeys(Priority, 0)  # order of the last batch that is or was in memory
        self._behind: set[Priority] = set()
        self._loading: set[Priority] = set()
        self._stopped = False

    def __len__(self) -> int:
        """Notifications that are in the spool only."""
        return sum(self._count.values())

    def counts(self) -> dict[Priority, int]:
        """The same by priority."""
        return dict(self._count)

    @property
    def loading(self) -> bool:
        """Whether a page is on its way."""
        return bool(self._loading)

    def found(self, priority: Priority, count: int) -> None:
        """At the start: so many notifications of this priority were kept."""
        self._behind.add(priority)
        self._count[priority] += count

    def keeps(self, batch: Batch) -> bool:
        """Whether a batch, accepted just now, stays in the spool until its turn."""
        priority = batch.priority
        if self._spool.pages and (priority in self._behind or not self._has_room(priority)):
            self._behind.add(priority)
            self._count[priority] += len(batch) - len(batch.refused)
            return True
        self._last[priority] = batch.order
        return False

    def opened(self, batch: Batch) -> None:
        """A batch is in memory from now on."""
        self._shelf(batch)[batch.priority] += weight(batch)

    def finished(self, batch: Batch) -> None:
        """A batch that was in memory is done."""
        self._shelf(batch)[batch.priority] -= weight(batch)

    def withdrawn(self, batch: Batch) -> None:
        """A notification of a batch that is in the spool only was settled there."""
        self._count[batch.priority] -= 1

    def fill(self) -> Deferred[None]:
        """Bring in what there is room for; fires when that is done, never fails."""
        return DeferredList([self._load(each) for each in list(self._behind)]).addCallback(lambda _: None)

    def refill(self) -> None:
        """As `fill`, without waiting. Call it whenever there may be room."""
        if self._behind:
            self.fill()

    def stop(self) -> None:
        """Bring in nothing more."""
        self._stopped = True

    def _load(self, priority: Priority) -> Deferred[None]:
        return Deferred.fromCoroutine(self._fill(priority)).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):  # else the start was cut short
            self.log.failure("{app}: reading its queue from the spool", failure, app=self._app)

    async def _fill(self, priority: Priority) -> None:
        if priority in self._loading:
            return
        self._loading.add(priority)
        try:
            while priority in self._behind and not self._stopped and self._has_room(priority):
                await self._page(priority)
        finally:
            self._loading.discard(priority)

    async def _page(self, priority: Priority) -> None:
        page = await self._spool.page(self._app, priority, self._last[priority], PAGE)
        if self._stopped:
            return
        if not page.more:
            self._behind.discard(priority)
        self._last[priority] = page.last
        for each in page.kept:
            self._count[priority] -= sum(stop - start for start, stop in each.left)
            self._bring(each)
        if not page.more:
            self._count[priority] = 0

    def _has_room(self, priority: Priority) -> bool:
        has_room = self._held[priority] < self._limit or self._waiting() < self._few
        return has_room and self._paced[priority] < PACED

    def _shelf(self, batch: Batch) -> dict[Priority, int]:
        return self._paced if batch.terms.rate else self._held


def weight(batch: Batch) -> int:
    """Bytes a batch holds in memory, about."""
    payload = batch.payload
    return len(batch.tokens.blob) + len(payload.blob if isinstance(payload, Packed) else payload) + _OVERHEAD
