"""The hub as a sink of the gateway: it is durable, so a report that it kept is not given to it again."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.hub.hub_context import HubContext
from pushgate.hub.outcomes.reports import Findings, find
from pushgate.hub.store import findings
from pushgate.model.errors import SinkDown
from pushgate.model.outcome import Report
from pushgate.model.store_down import StoreDown
from pushgate.plugin.sink_interface import IOutcomeSink


@implementer(IOutcomeSink)
class HubSink:
    """Keeps what became of notifications, one transaction a call.

    It opens the database at its start and closes it at its stop: what the gateway has for it then is kept.

    :param doubted: called when handles were refused that may be alive.
    """

    log = Logger()

    def __init__(self, hub: HubContext, doubted: Callable[[], None]) -> None:
        self._hub, self._database, self._doubted = hub, hub.database, doubted

    def start(self) -> None:
        """Open the database; raise `CannotStart` when that cannot be done."""
        self._database.start()

    def emit(self, reports: Sequence[Report]) -> "Deferred[None] | None":
        """Keep what the reports say; fails with `SinkDown` while the database is out of reach."""
        hub = self._hub
        found = find(reports, hub.input_name, hub.platforms(), hub.gateway.dead_token)
        if found.doubted:
            self._doubted()
        if not found:
            return None
        return Deferred.fromCoroutine(self._keep(found))

    def reopen(self) -> None:
        """The database is never moved by another program."""

    def stop(self) -> "Deferred[None]":
        """Close the database."""
        return self._database.stop()

    async def _keep(self, found: Findings) -> None:
        try:
            counted, pruned = await self._database.write(
                findings.keep, found.reported, found.feedback, found.deaths, found.replaced
            )
        except StoreDown as error:
            raise SinkDown(str(error)) from error
        metrics, name = self._hub.metrics, self._hub.name
        for (platform, outcome), count in counted.items():
            metrics.count("pushgate_hub_outgoing_total", name, str(platform), outcome, times=count)
        if pruned:
            metrics.count("pushgate_hub_registrations_total", name, "prune", times=pruned)
