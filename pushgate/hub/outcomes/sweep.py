"""What is done now and then: registrations of dead handles go, sends are ended and forgotten."""

from collections.abc import Iterator
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.hub.hub_context import HubContext
from pushgate.hub.store import batches, pruning, purging, sends, tags
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.store_down import StoreDown

DEATHS: Final = 1000
"""Dead tokens that are looked at in one transaction."""
HOUR: Final = 3600.0
"""Seconds between two sweeps over all dead tokens."""
MINUTE: Final = 60.0
"""Seconds between two looks for sends that took too long, or are too old; and until a doubt is looked at."""


class Sweep:
    """Carried out at the start, each minute, and over all dead tokens each hour."""

    log = Logger()

    def __init__(self, hub: HubContext) -> None:
        self._hub, self._database, self._gateway, self._clock = hub, hub.database, hub.gateway, hub.clock
        self._timer: IDelayedCall | None = None
        self._sweeping: Deferred[None] | None = None
        self._all_at = 0.0
        self._stopping = False

    def start(self) -> None:
        """Begin with a sweep over all."""
        self._stopping = False
        self._all_at = self._clock.seconds()
        self._run()

    def doubted(self) -> None:
        """Look at all dead tokens again in a minute: some could not be relied on yet."""
        self._all_at = min(self._all_at, self._clock.seconds() + MINUTE)

    async def stop(self) -> None:
        """End behind the transaction under way."""
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._sweeping is not None:
            await self._sweeping

    def _run(self) -> None:
        sweeping = Deferred.fromCoroutine(self._sweep())
        self._sweeping = sweeping
        sweeping.addErrback(self._failed).addBoth(self._rest)

    def _rest(self, _: object) -> None:
        self._sweeping = None
        if not self._stopping:
            self._timer = self._clock.callLater(MINUTE, self._run)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(StoreDown, CancelledError):
            self.log.failure("hub {hub}: its sweep", failure, hub=self._hub.name)

    async def _sweep(self) -> None:
        table = self._hub.table
        for send_id in await self._database.read(batches.unended):
            await self._database.write(batches.finish, send_id)
        for unsettled in await self._database.write(batches.late, table.expiry):
            self._gateway.withdraw(unsettled)
        while not self._stopping and await self._database.write(sends.purge, table.keep):
            pass
        while not self._stopping and await self._database.write(purging.purge):
            pass
        if self._clock.seconds() >= self._all_at:
            self._all_at = self._clock.seconds() + HOUR
            await self._prune()
            await self._purge_devices()
            await self._purge_tags()

    async def _purge_devices(self) -> None:
        """Forget handles that nothing is registered for."""
        after = 0
        while unused := await self._database.read(purging.unused_devices, after):
            if self._stopping or not await self._database.write(purging.purge_devices, unused):
                return
            after = unused[-1]

    async def _purge_tags(self) -> None:
        """Forget tags that no registration has any more: those that were found so an hour ago."""
        while not self._stopping and await self._database.write(tags.delete_unused):
            pass
        after: int | None = 0
        while after is not None and not self._stopping:
            after, unused = await self._database.read(tags.without_registrations, after)
            if unused:
                await self._database.write(tags.mark_unused, unused)

    async def _prune(self) -> None:
        for app, platforms in self._hub.platforms().items():
            for page in self._pages(app):
                sure = [death for death in page if not death.doubted]
                if len(sure) < len(page):
                    self.doubted()
                deaths = [
                    (platform, death.token, float(death.since)) for death in sure for platform in platforms
                ]
                if self._stopping:
                    return
                await self._database.write(pruning.prune, deaths)

    def _pages(self, app: str) -> Iterator[list[DeadTokenEntry]]:
        """The dead tokens of an app, some at a time, each with the doubt that there is of it."""
        after = b""
        while page := self._gateway.dead_tokens(app, after, DEATHS):
            after = page[-1].token
            found = [self._gateway.dead_token(app, death.token) for death in page]
            yield [death for death in found if death is not None]
