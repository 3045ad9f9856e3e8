"""How much may wait for one app, and the senders that pause when nearly so much does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pushgate.gateway.queue.watermarks import Watermarks
from pushgate.model.errors import Overloaded


class Capacity:
    """The bound of one queue, with what the spool is keeping just now counted in.

    :param app: the app's name, for the errors.
    :param limit: notifications waiting at most.
    :param depth: returns how many wait.
    """

    def __init__(self, app: str, limit: int, depth: Callable[[], int], clock: IReactorTime) -> None:
        self._app, self._limit, self._depth, self._clock = app, limit, depth, clock
        self._watermarks = Watermarks(limit)
        self._arriving = 0
        self._relief: IDelayedCall | None = None

    def check(self, count: int) -> None:
        """Raise `Overloaded` when so many more notifications find no room."""
        waiting = self._waiting()
        if waiting + count > self._limit:
            self._watermarks.refused(waiting)
            raise Overloaded(f"queue of {self._app}", waiting, self._limit)

    @contextmanager
    def arriving(self, count: int) -> Iterator[None]:
        """Count so many notifications as waiting, while the spool is keeping them."""
        self._arriving += count
        try:
            yield
        finally:
            self._arriving -= count

    @property
    def most(self) -> int:
        """Notifications waiting at most."""
        return self._limit

    @property
    def is_arriving(self) -> bool:
        """Whether the spool is keeping some just now, whose senders wait for the answer."""
        return self._arriving > 0

    @property
    def is_pressed(self) -> bool:
        """Whether the queue is nearly full."""
        return self._watermarks.on

    def limit(self, limit: int) -> None:
        """Go on with another limit."""
        self._limit = limit
        self._watermarks.limit(limit)
        self.relieve_later()

    def pressed(self, relieved: Callable[[], None]) -> Callable[[], None] | None:
        """See `IGateway.pressed`."""
        return self._watermarks.wait(relieved) if self._watermarks.rises(self._waiting()) else None

    def relieve(self) -> None:
        """Let every sender go on, whether there is room or not."""
        self._watermarks.relieve(lambda: 0)

    def relieve_later(self) -> None:
        """Let senders go on if there is room, in a turn of its own: the upstream may be taking just now."""
        if self._watermarks.on and self._relief is None and self._waiting() <= self._watermarks.low:
            self._relief = self._clock.callLater(0, self._relieve)

    def _relieve(self) -> None:
        self._relief = None
        self._watermarks.relieve(self._waiting)

    def _waiting(self) -> int:
        return self._depth() + self._arriving
