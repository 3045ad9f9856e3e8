"""One upstream's hold on the queue of its app, so that another upstream can take the queue over."""

from twisted.python.components import proxyForInterface

from pushgate.gateway.queue.app_queue import AppQueue
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import Verdict
from pushgate.plugin.upstream_interface import IWork


class QueueLease(proxyForInterface(IWork, "_queue")):  # type: ignore[misc]  # a base class made at run time
    """What an upstream knows as its work: the app's queue while the lease is held, an empty one otherwise.

    Verdicts, and spans that come back, always go to the queue: an upstream settles what it has in flight
    after its lease has ended.

    :param upstream: the name of the upstream's kind, for the outcomes it reports.
    :ivar held: whether there may be something to take.
    """

    _queue: AppQueue

    def __init__(self, queue: AppQueue, upstream: str) -> None:
        super().__init__(queue)
        self._upstream = upstream
        self._usable = True
        self.held = False

    def grant(self) -> None:
        """Let the upstream have the queue; from now on its word counts on whether the service is of use."""
        self.held = True
        self._queue.reachable(self._usable)

    def end(self) -> None:
        """Let it take no more."""
        self.held = False

    def take(self, limit: int, idle: bool) -> list[BatchSlice]:
        """See `IWork`."""
        return self._queue.take(limit, idle) if self.held else []

    def depth(self) -> int:
        """See `IWork`."""
        return self._queue.depth() if self.held else 0

    def has_suspects(self) -> bool:
        """See `IWork`."""
        return self.held and self._queue.has_suspects()

    def settle(self, verdicts: list[Verdict]) -> None:
        """See `IWork`."""
        self._queue.settle(verdicts, self._upstream)

    def reachable(self, yes: bool) -> None:
        """See `IWork`."""
        self._usable = yes
        if self.held:
            self._queue.reachable(yes)
