"""The open connections of one app: those that serve, and the spares that take the place of one that ends."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from pushgate.upstreams.common.pooled_connection import PooledConnection

C = TypeVar("C", bound=PooledConnection)


class PoolConnections(Generic[C]):
    """Every connection from its handshake to its end, in the order in which they came.

    :param reactor: provides IReactorTime.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._open: list[C] = []

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[C]:
        """All of them at this moment: some may end during the iteration."""
        return iter(tuple(self._open))

    def serving(self) -> list[C]:
        """Those that may be written to."""
        return [each for each in self._open if each.usable and each.serving_since is not None]

    def spares(self) -> list[C]:
        """Those that wait."""
        return [each for each in self._open if each.usable and each.serving_since is None]

    def add(self, connection: C, serves: bool) -> None:
        """Add a connection that has just been opened."""
        if serves:
            connection.serving_since = self._reactor.seconds()
        self._open.append(connection)

    def promote(self, count: int) -> int:
        """Have up to `count` spares serve; return how many do."""
        promoted = self.spares()[: max(0, count)]
        for connection in promoted:
            connection.serving_since = self._reactor.seconds()
        return len(promoted)

    def remove(self, connection: C) -> None:
        """Remove a connection that has ended; harmless when it was never added."""
        if connection in self._open:
            self._open.remove(connection)

    def states(self, draining: bool) -> Counter[str]:
        """Count them by state.

        :param draining: all of them are, whatever they were.
        """
        return Counter("draining" if draining else _state(each) for each in self._open)


def _state(connection: PooledConnection) -> str:
    if not connection.usable:
        return "draining"
    return "spare" if connection.serving_since is None else "ready"
