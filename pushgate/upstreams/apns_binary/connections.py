"""The links of one app: which serve, and which are there to take the place of one that ends."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pushgate.upstreams.apns_binary.connection import StreamConnection


class StreamConnections:
    """Every link from its handshake to its end, in the order in which they came.

    :param reactor: provides IReactorTime.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._links: list[StreamConnection] = []

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[StreamConnection]:
        """All of them, as they are now: they may go meanwhile."""
        return iter(tuple(self._links))

    def serving(self) -> list[StreamConnection]:
        """Those that may be written to."""
        return [link for link in self._links if link.usable and link.serving_since is not None]

    def spares(self) -> list[StreamConnection]:
        """Those that wait."""
        return [link for link in self._links if link.usable and link.serving_since is None]

    def add(self, link: StreamConnection, serves: bool) -> None:
        """Take up a link."""
        if serves:
            link.serving_since = self._reactor.seconds()
        self._links.append(link)

    def promote(self, count: int) -> int:
        """Have up to `count` spares serve; return how many do."""
        promoted = self.spares()[: max(0, count)]
        for link in promoted:
            link.serving_since = self._reactor.seconds()
        return len(promoted)

    def remove(self, link: StreamConnection) -> None:
        """Forget a link that has ended; harmless when it was never taken up."""
        if link in self._links:
            self._links.remove(link)

    def states(self, draining: bool) -> Counter[str]:
        """How many there are of each state.

        :param draining: all of them are, whatever they were.
        """
        return Counter("draining" if draining else _state(link) for link in self._links)


def _state(link: StreamConnection) -> str:
    if not link.usable:
        return "draining"
    return "spare" if link.serving_since is None else "ready"
