"""The sends of a hub: those that are due are worked on, a few at a time; the next ones are waited for."""

from functools import partial
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.hub.hub_context import HubContext
from pushgate.hub.sending.acceptance import Acceptance
from pushgate.hub.sending.fan_out import FanOut, Lost, Overdue, Stopped
from pushgate.hub.sending.lease import RENEWALS
from pushgate.hub.sending.pages import TargetPages
from pushgate.hub.store import batches, send_work
from pushgate.hub.store.send_work import ActiveSend
from pushgate.model.errors import Refusal
from pushgate.model.store_down import StoreDown

WORKERS: Final = 8
"""Sends that are worked on at a time; the others wait in their order."""
POLL: Final = 5.0
"""Seconds between two looks for sends of other gateways."""
RETRY: Final = 1.0
"""Seconds until a queue without room, or a database out of reach, is tried again."""
LONGEST_WAIT: Final = 5.0
"""Seconds for which a queue's word that it has room is waited for."""


class Sender:
    """Claims sends and works on them until the hub stops.

    :param acceptance: its rules for sends.
    """

    log = Logger()

    def __init__(self, hub: HubContext, acceptance: Acceptance) -> None:
        self._hub, self._database, self._gateway, self._clock = hub, hub.database, hub.gateway, hub.clock
        self._acceptance = acceptance
        self._working: dict[str, Deferred[None]] = {}
        self._waits: set[Deferred[None]] = set()
        self._looking: Deferred[Any] | None = None
        self._timer: IDelayedCall | None = None
        self._again = False
        self._stopping = True

    def start(self) -> None:
        """Begin to look for sends."""
        self._stopping = False
        self.look()

    async def stop(self) -> None:
        """Work on nothing more; what is on record goes on after the next start, or elsewhere at once."""
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        for waiting in list(self._waits):
            waiting.cancel()
        under_way = [*self._working.values(), *filter(None, [self._looking])]
        await DeferredList(under_way)
        try:
            await self._database.write(send_work.release, self._hub.owner)
        except StoreDown:
            self.log.info("hub {hub}: the database is away; its sends go on later", hub=self._hub.name)

    def look(self) -> None:
        """Work on what is due, now; called when a send was kept."""
        if self._stopping:
            return
        if self._looking is not None:
            self._again = True
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        looking: Deferred[Any] = Deferred.fromCoroutine(self._look())
        self._looking = looking
        looking.addErrback(self._failed, "looking for sends").addCallback(self._looked)

    def active(self) -> int:
        """How many sends are worked on."""
        return len(self._working)

    async def _look(self) -> float | None:
        """Claim what there is room for; return the seconds until a scheduled send is due."""
        while len(self._working) < WORKERS and not self._stopping:
            self._again = False
            busy = list(self._working)
            active = await self._database.write(send_work.claim, self._hub.owner, self._hub.table.lease, busy)
            if active is None:
                due: float | None = await self._database.read(send_work.next_due)
                return due
            self._begin(active)
        return None

    def _looked(self, due: float | None) -> None:
        self._looking = None
        if self._stopping:
            return
        full = len(self._working) >= WORKERS
        seconds = POLL if due is None else min(POLL, max(due, 0.0))
        self._timer = self._clock.callLater(0 if self._again and not full else seconds, self.look)

    def _begin(self, active: ActiveSend) -> None:
        send_id = active.send.id
        if self._stopping:
            return
        work = Deferred.fromCoroutine(self._work(active))
        self._working[send_id] = work.addErrback(self._broken).addBoth(self._done, send_id)
        if work.called and not work.paused:
            self._working.pop(send_id, None)

    async def _work(self, active: ActiveSend) -> None:
        send_id = active.send.id
        try:
            self.check(active)
            await self._fan_out(active).run(active)
        except Overdue:
            await self._abandon(send_id)
        except Lost:
            self.log.info(
                "hub {hub}: another gateway goes on with send {send}", hub=self._hub.name, send=send_id
            )
        except StoreDown:
            await self._pause(RETRY)
        except Refusal as error:
            # It was accepted under another configuration.
            self.log.error(
                "hub {hub}: send {send}: {error}", hub=self._hub.name, send=send_id, error=str(error)
            )
            await self._abandon(send_id)

    def _fan_out(self, active: ActiveSend) -> FanOut:
        send = active.send
        direct = self._acceptance.targets(send.request) if send.request.handles else ()
        return FanOut(self._hub, TargetPages(self._hub, send, direct), self)

    async def _abandon(self, send_id: str) -> None:
        self.log.warn("hub {hub}: send {send} is abandoned", hub=self._hub.name, send=send_id)
        self._gateway.withdraw(await self._database.write(batches.abandon, send_id, self._hub.owner))

    def _done(self, _: object, send_id: str) -> None:
        if self._working.pop(send_id, None) is not None:
            self.look()

    def _failed(self, failure: Failure, what: str) -> None:
        if not failure.check(StoreDown, Stopped, CancelledError):
            self.log.failure("hub {hub}: {what}", failure, hub=self._hub.name, what=what)

    def _broken(self, failure: Failure) -> "Deferred[None] | None":
        """A send could not be worked on, or the gateway takes nothing: it is claimed again, after a while."""
        self._failed(failure, "working on a send")
        if self._stopping:
            return None
        pausing = Deferred.fromCoroutine(self._pause(LONGEST_WAIT))
        return pausing.addErrback(lambda _: None)

    # Pace

    def check(self, active: ActiveSend) -> None:
        if self._stopping:
            raise Stopped
        began = active.send.started_at
        if began is not None and self._hub.wall() > began + self._hub.table.expiry:
            raise Overdue

    def room(self, app: str, refused: bool) -> "Deferred[bool]":
        return Deferred.fromCoroutine(self._room(app, refused))

    async def _room(self, app: str, refused: bool) -> bool:
        relief: Deferred[None] = Deferred()
        cancel = self._gateway.pressed(app, partial(_fire, relief))
        if cancel is None and not refused:
            return True
        wait = RETRY if cancel is None else LONGEST_WAIT
        await self._pause(min(wait, self._hub.table.lease / RENEWALS), relief)
        if cancel is not None:
            cancel()
        return False

    async def _pause(self, seconds: float, earlier: "Deferred[None] | None" = None) -> None:
        """Wait; raises `Stopped` when the hub stops meanwhile."""
        waiting: Deferred[None] = Deferred() if earlier is None else earlier
        timer = self._clock.callLater(seconds, _fire, waiting)
        self._waits.add(waiting)
        try:
            await waiting
        except CancelledError:
            raise Stopped from None
        finally:
            self._waits.discard(waiting)
            if timer.active():
                timer.cancel()


def _fire(waiting: "Deferred[Any]") -> None:
    if not waiting.called:
        waiting.callback(None)
