"""The upstreams of one app: the one that has its queue, and those that still settle what they wrote."""

from collections import Counter
from collections.abc import Iterator

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from zope.interface import implementer

from pushgate.gateway.apps.queue_lease import QueueLease
from pushgate.gateway.apps.upstream_guard import Bulkhead
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Batch
from pushgate.plugin.guard import error_boundary
from pushgate.plugin.upstream_interface import IInFlight, IUpstream, UpstreamState


@implementer(IUpstream)
class _NoUpstream:
    """Stands in the slot until the first upstream is there, and takes nothing."""

    def start(self) -> None:
        pass

    def wake(self) -> None:
        pass

    def stop(self) -> Deferred[None]:
        return succeed(None)

    def abort(self) -> None:
        pass

    def state(self) -> UpstreamState:
        return UpstreamState(connections={}, window=0)


class UpstreamSlot:
    """Holds the upstream that has an app's queue. What it raises where it must not stays in the bulkhead.

    :ivar upstream: the one that has the queue.
    """

    def __init__(self, app: str, bulkhead: Bulkhead) -> None:
        self._app, self._bulkhead = app, bulkhead
        self.upstream: IUpstream = _NoUpstream()
        self._lease: QueueLease | None = None
        self._retired: list[IUpstream] = []

    def hold(self, upstream: IUpstream, lease: QueueLease) -> None:
        """Put this upstream, which was not started, into the slot."""
        self.upstream, self._lease = upstream, lease

    def start(self) -> None:
        """Begin to send; raise `CannotStart` when the upstream cannot."""
        assert self._lease is not None
        self._lease.grant()
        with error_boundary(f"apps.{self._app}: the start of its upstream"):
            self.upstream.start()

    @property
    def started(self) -> bool:
        """Whether anything is sent."""
        return self._lease is not None and self._lease.held

    def wake(self) -> None:
        """Tell the upstream that there is work; what it raises does not reach the caller."""
        self._bulkhead.call("wake", self.upstream.wake)

    def abort(self, upstream: IUpstream | None = None) -> None:
        """Close an upstream at once, this one or the one that has the queue."""
        self._bulkhead.call("abort", (upstream or self.upstream).abort)

    def retire(self) -> Deferred[None]:
        """Let the upstream take no more; fires when it has settled what is in flight, and is closed.

        Cancelled, it closes at once, and what was in flight waits again.
        """
        if self._lease is not None:
            self._lease.end()
        self._retired.append(self.upstream)
        return Deferred.fromCoroutine(self._close(self.upstream))

    def succeed(self, upstream: IUpstream, lease: QueueLease) -> None:
        """Give the queue to an upstream that was started, in place of one that has retired."""
        self.hold(upstream, lease)
        lease.grant()

    def in_flight(self, batch: Batch, index: int) -> BatchSlice | None:
        """The slice in flight that holds this member; None when the upstream cannot show it."""
        showing = (each for each in self._all() if IInFlight.providedBy(each))
        return next((span for each in showing if (span := each.find(batch, index)) is not None), None)

    def state(self) -> UpstreamState:
        """How the one that has the queue is doing, with the connections and the windows of all."""
        states = [self._state(each) for each in self._all()]
        connections = Counter[str]()
        for each in states:
            connections.update(each.connections)
        first = states[0]
        return UpstreamState(
            connections=dict(connections),
            window=sum(each.window for each in states),
            delayed=sum(each.delayed for each in states),
            circuit=first.circuit,
            circuit_open=first.circuit_open,
            certificate_expires=first.certificate_expires,
            routes=first.routes,
            response_timeout=first.response_timeout,
        )

    def _all(self) -> Iterator[IUpstream]:
        yield self.upstream
        yield from (each for each in self._retired if each is not self.upstream)

    def _state(self, upstream: IUpstream) -> UpstreamState:
        """How an upstream is doing; nothing is known of one that cannot say."""
        state: UpstreamState | None = self._bulkhead.call("state", lambda: _checked(upstream))
        return UpstreamState(connections={}, window=0) if state is None else state

    async def _close(self, upstream: IUpstream) -> None:
        try:
            await maybeDeferred(upstream.stop)
        except Exception:
            self.abort(upstream)
            raise
        finally:
            self._retired.remove(upstream)


def _checked(upstream: IUpstream) -> UpstreamState:
    state = upstream.state()
    if not isinstance(state, UpstreamState):
        raise TypeError(f"not an UpstreamState: a {type(state).__name__}")
    return state
