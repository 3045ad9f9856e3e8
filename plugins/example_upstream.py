"""An example of an upstream: a push service that accepts everything and sends nothing, for dry runs.

Try it: ``twistd -n pushgate --plugins plugins --config my.toml`` with this in ``my.toml``::

    [apps.news]
    upstream = "dry-run"
    latency = "50ms"
"""

from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from pushgate.plugin import (
    AppTable,
    Context,
    Duration,
    IUpstream,
    IWork,
    State,
    UpstreamFactory,
    UpstreamState,
    Verdict,
)

RUN = 256
"""Notifications taken in one turn of the reactor, so that others get their turn too."""


class DryRunTable(AppTable):
    """Its configuration: what every app has, and how long the service takes to accept."""

    latency: Duration = 0.0


@implementer(IUpstream)
class DryRun:
    """Takes work when told that there is some, and settles it at once."""

    def __init__(self, app: str, config: DryRunTable, work: IWork, context: Context) -> None:
        self._latency, self._work, self._clock = config.latency, work, context.reactor
        self._turn: IDelayedCall | None = None

    def start(self) -> None:
        """A push service that is always there."""
        self._work.reachable(True)

    def wake(self) -> None:
        """Called for every batch, so it only sees to it that there will be a turn."""
        if self._turn is None:
            self._turn = self._clock.callLater(self._latency, self._take)

    def stop(self) -> Deferred[None]:
        """Nothing is ever in flight, so there is nothing to wait for."""
        self.abort()
        return succeed(None)

    def abort(self) -> None:
        """Take no more."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def state(self) -> UpstreamState:
        """All is always well."""
        return UpstreamState(connections={}, window=0)

    def _take(self) -> None:
        self._turn = None
        spans = self._work.take(RUN, idle=True)
        written = [replace(span, attempts=span.attempts + 1) for span in spans]
        self._work.settle([Verdict(span, State.ACCEPTED) for span in written])
        if spans:  # None: the queue is empty, or the app's rate is used up; then the gateway calls wake
            self.wake()


dry_run = UpstreamFactory("dry-run", "accepts everything and sends nothing", DryRunTable, DryRun)
