"""The way to one origin of a push service: a queue, and an upstream with pool and circuit of its own."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch
from pushgate.plugin.upstream_interface import RouteState, UpstreamState
from pushgate.protocols.http_push.origin import Origin
from pushgate.upstreams.common.http_push.route_queue import RouteQueue
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream


class Route:
    """One of them.

    :param reactor: provides IReactorTime.
    :ivar closed: fires when it was stopped and all of it is closed.
    """

    def __init__(self, origin: Origin, queue: RouteQueue, upstream: HTTPPushUpstream, reactor: Any) -> None:
        self.origin, self.queue, self.upstream = origin, queue, upstream
        self._reactor = reactor
        self._used_at = reactor.seconds()
        self.closed: Deferred[None] = Deferred()

    def put(self, span: BatchSlice) -> None:
        """Queue a slice."""
        self._used_at = self._reactor.seconds()
        self.queue.put(span)
        self.upstream.wake()

    def wants_more(self, enough: int) -> bool:
        """Whether it could soon write more than it has."""
        return self.queue.down_since is None and self.queue.depth() < enough

    def is_idle(self, now: float, after: float) -> bool:
        """Whether it has had nothing to do for `after` seconds."""
        if self.queue.depth() or now - self._used_at < after:
            return False
        state = self.upstream.state()
        return not state.window and not state.delayed

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        """See `IInFlight`."""
        return self.upstream.find(batch, index) or self.queue.find(batch, index)

    def stop(self) -> "Deferred[Any]":
        """Settle what is in flight and close; fires when all is closed."""
        stopped = self.upstream.stop()
        stopped.chainDeferred(self.closed)
        return self.closed


def merged(states: Sequence[tuple[str, UpstreamState]], waiting: int) -> UpstreamState:
    """The state of all routes together.

    :param states: each with its origin. While one closes there may be two of an origin: the first counts.
    :param waiting: notifications in the queues of the routes.
    """
    connections: Counter[str] = Counter()
    first: dict[str, UpstreamState] = {}
    for origin, state in states:
        connections.update(state.connections)
        first.setdefault(origin, state)
    troubled = {origin: state for origin, state in first.items() if state.circuit}
    return UpstreamState(
        connections=dict(connections),
        window=sum(state.window for _, state in states),
        delayed=waiting + sum(state.delayed for _, state in states),
        circuit=next((state.circuit for state in troubled.values()), ""),
        circuit_open=bool(first) and all(state.circuit_open for state in first.values()),
        routes={origin: RouteState(each.circuit, each.circuit_open) for origin, each in troubled.items()},
    )
