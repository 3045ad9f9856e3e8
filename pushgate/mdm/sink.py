"""Enrolments as a sink of the gateway: what became of pushes is kept with them, over restarts too."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.database.interface import IDatabase
from pushgate.mdm.enrolments import PushOutcome, settle
from pushgate.mdm.push_outcomes import push_outcomes
from pushgate.model.errors import SinkDown
from pushgate.model.outcome import Report
from pushgate.model.store_down import StoreDown
from pushgate.plugin.sink_interface import IOutcomeSink


@implementer(IOutcomeSink)
class EnrolmentSink:
    """Opens the database at its start, and closes it at its stop.

    :param settled: called with outcomes that were kept: other pushes may be due.
    """

    def __init__(self, database: IDatabase, settled: Callable[[Sequence[PushOutcome]], None]) -> None:
        self._database, self._settled = database, settled

    def start(self) -> None:
        """Open the database; raise `CannotStart` when that cannot be done."""
        self._database.start()

    def emit(self, reports: Sequence[Report]) -> "Deferred[None] | None":
        """Keep what the reports say of MDM pushes; fails with `SinkDown` while the database is of no use."""
        found = list(push_outcomes(reports))
        return Deferred.fromCoroutine(self._keep(found)) if found else None

    def reopen(self) -> None:
        """The database is never moved by another program."""

    def stop(self) -> "Deferred[None]":
        """Close the database."""
        return self._database.stop()

    async def _keep(self, found: list[PushOutcome]) -> None:
        try:
            await self._database.write(settle, found)
        except StoreDown as error:
            raise SinkDown(str(error)) from error
        self._settled(found)
