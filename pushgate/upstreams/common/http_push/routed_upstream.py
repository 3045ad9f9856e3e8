"""An upstream whose push service has many origins: a route for each, so that a slow one holds up no other."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import LoopingCall
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import Invalid
from pushgate.model.notification import Batch
from pushgate.model.outcome import State, Verdict
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IInFlight, IUpstream, IWork, UpstreamState
from pushgate.protocols.http_push.origin import Origin
from pushgate.upstreams.common.http_push.route import Route, merged
from pushgate.upstreams.common.http_push.route_queue import RouteQueue
from pushgate.upstreams.common.http_push.settings import MOST_ROUTES
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from pushgate.upstreams.common.write_turns import WriteTurns

ENOUGH: Final = 512
"""Notifications that wait for a route before no more are taken from the app's queue for its sake."""
CALM: Final = 10_000
"""Notifications that may wait in all routes together while none of them could write more."""
FEW: Final = 64
"""In place of both where nothing may be sent twice: after a crash it is not known what became of that which
was taken, though it only waited."""
MOST: Final = 100_000
"""Notifications that wait in all routes together at most: with more nothing is taken from the app's queue."""
SWEEP: Final = 10.0
"""Seconds between two looks at all routes: what has expired, which have nothing to do."""
IDLE: Final = 600.0
"""Seconds without work after which a route is given up."""

MakeRoute = Callable[[Origin, IWork], HTTPPushUpstream]
"""Makes the upstream of one origin, on that origin's queue."""


@implementer(IUpstream, IInFlight)
class RoutedUpstream:
    """Takes from the app's queue and gives each notification to the route of its origin.

    More is taken as long as a route could write it, whatever waits for others.

    :param careful: most of what is taken must not be sent twice.
    :param origin_of: the origin of a target; it raises `Invalid` for one that has none.
    """

    def __init__(
        self,
        origin_of: Callable[[bytes], Origin],
        make: MakeRoute,
        work: IWork,
        context: Context,
        careful: bool = False,
    ) -> None:
        self._enough, self._calm = (FEW, FEW) if careful else (ENOUGH, CALM)
        self._origin_of, self._make, self._work = origin_of, make, work
        self._reactor = context.reactor
        self._routes: dict[Origin, Route] = {}
        self._leaving: list[Route] = []
        self._elsewhere = self._queue()
        self._turns = WriteTurns(self._reactor, self._distribute)
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = self._reactor
        self._stopped: Deferred[None] | None = None

    # IUpstream

    def start(self) -> None:
        self._sweeper.start(SWEEP, now=False)

    def wake(self) -> None:
        if self._stopped is None:
            self._turns.ask()

    def stop(self) -> Deferred[None]:
        if self._stopped is None:
            stopped = self._stopped = Deferred(lambda _: None)
            self._turns.cancel()
            if self._sweeper.running:  # else the gateway's start was cut short
                self._sweeper.stop()
            self._elsewhere.close()
            closing = [self._leave(route) for route in list(self._routes.values())]
            closed = DeferredList([*closing, *(route.closed for route in self._leaving)])
            closed.addCallback(lambda _: stopped.callback(None))
        return self._stopped

    def abort(self) -> None:
        self.stop()
        for route in (*self._routes.values(), *self._leaving):
            route.upstream.abort()

    def state(self) -> UpstreamState:
        routes = [*self._routes.values(), *self._leaving]
        return merged([(str(each.origin), each.upstream.state()) for each in routes], self._waiting())

    # IInFlight

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        for route in (*self._routes.values(), *self._leaving):
            found = route.find(batch, index)
            if found is not None:
                return found
        return self._elsewhere.find(batch, index)

    # within

    def _waiting(self) -> int:
        return self._elsewhere.depth() + sum(each.queue.depth() for each in self._routes.values())

    def _distribute(self) -> None:
        """Take a run and give it to the routes; again in the next turn while one of them could write more."""
        if self._stopped is not None:
            return
        taken = self._work.take(self._enough, idle=True) if self._has_room() else []
        for span in taken:
            self._part(span)
        if taken:
            self.wake()

    def _has_room(self) -> bool:
        waiting = self._waiting()
        wanted = waiting < self._calm or any(each.wants_more(self._enough) for each in self._routes.values())
        return wanted and waiting < MOST

    def _queue(self) -> RouteQueue:
        return RouteQueue(self._work, self._reactor.seconds, self._judge, self.wake)

    def _part(self, span: BatchSlice) -> None:
        """Give the members of a slice to their routes, neighbours for one origin together."""
        start, last = span.start, None
        for index, target in enumerate(span.tokens(), span.start):
            origin = self._origin(target)
            if origin != last and index > start:
                self._give(last, span.part(start, index))
                start = index
            last = origin
        self._give(last, span.part(start, span.stop))

    def _origin(self, target: bytes) -> Origin | None:
        try:
            return self._origin_of(target)
        except Invalid:
            return None

    def _give(self, origin: Origin | None, span: BatchSlice) -> None:
        if origin is None:  # accepted when the app had other rules
            self._work.settle([Verdict(span, State.FAILED, reason="NoPushServiceForTarget")])
            return
        route = self._routes.get(origin) or self._open(origin)
        if route is None:
            self._elsewhere.put(span)
        else:
            route.put(span)

    def _open(self, origin: Origin) -> Route | None:
        """Make a route, None when there are too many."""
        if len(self._routes) >= MOST_ROUTES:
            return None
        queue = self._queue()
        route = self._routes[origin] = Route(origin, queue, self._make(origin, queue), self._reactor)
        route.upstream.start()
        return route

    def _judge(self) -> None:
        """The service is of no use when no route is."""
        down = [each.queue.down_since is not None for each in self._routes.values()]
        if down:
            self._work.reachable(not all(down))

    def _sweep(self) -> None:
        now = self._reactor.seconds()
        for route in list(self._routes.values()):
            if route.queue.down_since is not None:
                route.queue.sweep()
            if route.is_idle(now, IDLE):
                self._leave(route)
        waiting = self._elsewhere
        waiting.sweep()
        for span in waiting.take(waiting.depth(), idle=False):
            self._part(span)
        self.wake()

    def _leave(self, route: Route) -> "Deferred[Any]":
        """Give a route up, with what waits for it."""
        del self._routes[route.origin]
        self._leaving.append(route)
        route.queue.close()
        return route.stop().addBoth(self._left, route)

    def _left(self, result: Any, route: Route) -> Any:
        self._leaving.remove(route)
        return result
