"""A fake spool, for whoever calls spools."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from pushgate.interfaces import (
    ISpool,
)
from pushgate.notification import Batch
from pushgate.outcome import Outcome
from pushgate.span import Span


@implementer(ISpool)
class RecordingSpool:
    """Keeps batches in a list; a submission is answered when a test says that it is safe.

    :ivar kept: the batches it was given.
    :ivar settled: the outcomes it was told.
    :ivar recovered: what `recover` returns.
    :ivar closed: whether it was closed.
    """

    def __init__(self) -> None:
        self.kept: list[Batch] = []
        self.settled: list[Outcome] = []
        self.recovered: list[Span] = []
        self.closed = False
        self._held: list[Deferred[int]] = []

    def append(self, batch: Batch, key: str | None) -> Deferred[int]:
        self.kept.append(batch)
        self._held.append(Deferred())
        return self._held[-1]

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        self.settled += outcomes

    def recover(self) -> list[Span]:
        return self.recovered

    def close(self) -> Deferred[None]:
        self.closed = True
        return succeed(None)

    def release(self) -> None:
        """Say that all it was given is safe."""
        held, self._held = self._held, []
        for kept, deferred in zip(self.kept[len(self.kept) - len(held) :], held, strict=True):
            deferred.callback(kept.id)

    def fail(self, error: Exception) -> None:
        """Say that what it was given last could not be kept."""
        self._held.pop().errback(error)
