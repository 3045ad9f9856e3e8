"""One app: its queue, its upstream, its dead tokens."""

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from pushgate.gateway.apps.proof_requests import ProofRequests
from pushgate.gateway.apps.queue_lease import QueueLease
from pushgate.gateway.apps.upstream_guard import Bulkhead
from pushgate.gateway.apps.upstream_slot import UpstreamSlot
from pushgate.gateway.dead_tokens.store import DeadTokenStore
from pushgate.gateway.limits import Limits
from pushgate.gateway.outcomes.recorder import OutcomeRecorder
from pushgate.gateway.queue.app_queue import AppQueue
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.notification_rules import NotificationRules
from pushgate.plugin.context import Context
from pushgate.plugin.settings import AppTable
from pushgate.plugin.upstream_interface import IUpstream


class App:
    """What the gateway has of one app.

    :ivar rules: what its push service takes.
    :ivar closed: it was removed, and what waited is not in memory any more.
    """

    def __init__(
        self,
        name: str,
        config: AppTable,
        rules: NotificationRules,
        context: Context,
        limits: Limits,
        recorder: OutcomeRecorder,
        spool: ISpool,
    ) -> None:
        self.name, self.config, self.rules = name, config, rules
        self.slot = UpstreamSlot(name, Bulkhead(name, context.reactor, context.metrics))
        self.dead_tokens = DeadTokenStore(name, spool, context.wall)
        self.queue = AppQueue(
            name, config, rules, context, limits, spool, recorder, self.dead_tokens, self.slot.wake
        )
        self.proof = ProofRequests(name, lambda: self.slot.upstream, context.reactor)
        self.closed = False

    def configure(self, config: AppTable, rules: NotificationRules) -> None:
        """Go on with other settings."""
        self.config, self.rules = config, rules
        self.queue.configure(config, rules)

    def hand_over(self, upstream: IUpstream, lease: QueueLease) -> Deferred[None]:
        """Give the queue to another upstream, which was started; see `UpstreamSlot.retire`."""
        closing = self.slot.retire()
        self.dead_tokens.distrust()
        self.slot.succeed(upstream, lease)
        self.slot.wake()
        return closing

    def stats(self) -> dict[str, Any]:
        """Return how the app is doing, ready for JSON."""
        state = self.slot.state()
        return {
            "upstream": self.config.upstream,
            **self.queue.stats(),
            "window": state.window,
            "delayed": state.delayed,
            "connections": state.connections,
            "circuit": {"open": state.circuit_open, "cause": state.circuit},
            "routes": {
                origin: {"open": each.circuit_open, "cause": each.circuit}
                for origin, each in sorted(state.routes.items())
            },
            "certificate_expires": state.certificate_expires,
            "response_timeout": state.response_timeout,
            "dead_tokens": len(self.dead_tokens.tokens),
        }

    async def drain(self) -> None:
        """Send what waits as long as the push service is of use, settle what is in flight, close.

        Cancelled, it closes at once.
        """
        try:
            if self.slot.started:
                await self.queue.emptied()
            await maybeDeferred(self.slot.upstream.stop)
            await self.dead_tokens.idle()
        finally:
            self.slot.abort()
            self.queue.rest()
