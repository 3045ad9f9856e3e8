"""An example of an upstream: a push service that accepts everything and sends nothing, for dry runs.

Try it: ``twistd -n --pidfile= pushgate --plugins plugins --config my.toml`` with this in ``my.toml``::

    [apps.news]
    upstream = "dry-run"
    latency = "50ms"
    path = "/tmp/notifications.jsonl"
"""

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from pushgate.plugin import (
    AppTable,
    BatchSlice,
    Context,
    Duration,
    Event,
    FilePath,
    IUpstream,
    IWork,
    State,
    Step,
    UpstreamFactory,
    UpstreamState,
    Verdict,
)

RUN = 256
"""Notifications taken in one turn of the reactor, so that others get their turn too."""


class DryRunTable(AppTable):
    """Its configuration: the keys of every app, the seconds until it accepts, and a file to write to."""

    latency: Duration = 0.0
    path: FilePath | None = None


@implementer(IUpstream)
class DryRun:
    """Takes work when there is some, writes it to the file, and settles it at once."""

    def __init__(self, app: str, config: DryRunTable, work: IWork, context: Context) -> None:
        self._config, self._work, self._context = config, work, context
        self._turn: IDelayedCall | None = None

    def start(self) -> None:
        """A push service that is always there."""
        self._work.reachable(True)

    def wake(self) -> None:
        """Schedule a turn. Called for every batch, so it does no more."""
        if self._turn is None:
            self._turn = self._context.reactor.callLater(self._config.latency, self._take)

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
        """No connections, and no trouble."""
        return UpstreamState(connections={}, window=0)

    def _take(self) -> None:
        self._turn = None
        written = [self._write(part) for part in self._work.take(RUN, idle=True)]
        self._work.settle([Verdict(part, State.ACCEPTED) for part in written])
        if written:  # else the queue is empty, or the app's rate is used up: the gateway calls wake
            self.wake()

    def _write(self, part: BatchSlice) -> BatchSlice:
        terms = part.batch.terms
        shared = terms.expiration, part.batch.priority, terms.collapse_id, terms.push_type
        if self._config.path is not None:
            with self._config.path.open("ab") as file:
                for token, payload in zip(part.tokens(), part.payloads(), strict=True):
                    line = [token.hex(), terms.topic or self._config.topic, *shared, msgspec.Raw(payload)]
                    file.write(msgspec.json.encode(line) + b"\n")
        return part.written(Step(Event.WRITTEN, self._context.wall(), connection=1))


dry_run = UpstreamFactory("dry-run", "accepts everything and sends nothing", DryRunTable, DryRun)
