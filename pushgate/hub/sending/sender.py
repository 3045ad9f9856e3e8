"""The sends of a hub: those that are due are worked on, a few at a time; the next ones are waited for."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.hub.hub_context import HubContext
from pushgate.hub.sending.acceptance import Acceptance
from pushgate.hub.sending.app_room import AppRoom
from pushgate.hub.sending.fan_out import FanOut
from pushgate.hub.sending.lease import RENEWALS
from pushgate.hub.sending.pace import Begun, HeldUp, Lost, Overdue, Stopped
from pushgate.hub.sending.pages import TargetPages
from pushgate.hub.store import batches, send_work
from pushgate.hub.store.send_work import ActiveSend
from pushgate.model.errors import Refusal
from pushgate.model.store_down import StoreDown

WORKERS: Final = 8
"""Sends that are worked on at a time; the others wait in their order."""
HELD: Final = 32
"""Those that wait in the middle of a page for room in a queue, and are not counted among these."""
HELD_BY_AN_APP: Final = 8
"""Of these, those that wait for one app: then no others are begun for it."""
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
        self._working: dict[int, tuple[str, Deferred[None]]] = {}
        self._held = 0
        self._midway = Counter[str]()
        self._apps = AppRoom(self._gateway, self._clock, self.look, RETRY, LONGEST_WAIT)
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
        self._apps.stop()
        for waiting in list(self._waits):
            waiting.cancel()
        under_way = [*(work for _, work in self._working.values()), *filter(None, [self._looking])]
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
        looked: Deferred[Any] = Deferred()
        self._looking = looked
        looking: Deferred[Any] = Deferred.fromCoroutine(self._look())
        looking.addErrback(self._failed, "looking for sends").addCallback(self._looked).chainDeferred(looked)

    def _look_soon(self) -> None:
        """Look in a turn of its own."""
        self._again = True
        if self._timer is not None and self._timer.active():
            self._timer.reset(0)

    def active(self) -> int:
        """How many sends are worked on."""
        return len({send_id for send_id, _ in self._working.values()})

    @property
    def _is_busy(self) -> bool:
        return len(self._working) - min(self._held, HELD) >= WORKERS

    async def _look(self) -> float | None:
        """Claim what there is room for; return the seconds until a scheduled send is due."""
        while not self._is_busy and not self._stopping:
            self._again = False
            busy, lease = list(self._working), self._hub.table.lease
            full = [platform for platform, app in self._hub.apps.items() if not self.has_room(app)]
            active = await self._database.write(send_work.claim, self._hub.owner, lease, busy, full)
            if active is None:
                due: float | None = await self._database.read(send_work.next_due)
                return due
            self._begin(active)
        return None

    def _looked(self, due: float | None) -> None:
        self._looking = None
        if self._stopping:
            return
        seconds = POLL if due is None else min(POLL, max(due, 0.0))
        self._timer = self._clock.callLater(0 if self._again and not self._is_busy else seconds, self.look)

    def _begin(self, active: ActiveSend, begun: Begun | None = None) -> None:
        """Work on a lane; one that was made and found while the answers were on their way is begun once."""
        lane = active.lane
        if self._stopping or lane in self._working:
            return
        done: Deferred[None] = Deferred()
        self._working[lane] = active.send.id, done
        work = Deferred.fromCoroutine(self._work(active, begun))
        work.addErrback(self._broken).addBoth(self._done, lane).chainDeferred(done)

    async def _work(self, active: ActiveSend, begun: Begun | None) -> None:
        send_id = active.send.id
        try:
            self.check(active)
            await self._fan_out(active).run(active, begun)
        except HeldUp:
            return
        except Overdue:
            await self._abandon(active)
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
            await self._abandon(active)

    def _fan_out(self, active: ActiveSend) -> FanOut:
        send = active.send
        direct = self._acceptance.targets(send.request) if send.request.handles else ()
        return FanOut(self._hub, TargetPages(self._hub, send, active.platform, direct), self)

    async def _abandon(self, active: ActiveSend) -> None:
        """Give a send up with its other lanes, which find out and withdraw what they submitted since."""
        send_id = active.send.id
        done, unsettled = await self._database.write(batches.abandon, active.lane, send_id, self._hub.owner)
        if done:
            self.log.warn("hub {hub}: send {send} is abandoned", hub=self._hub.name, send=send_id)
        self._gateway.withdraw(unsettled)

    def _done(self, _: object, lane: int) -> None:
        del self._working[lane]
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

    def has_room(self, app: str) -> bool:
        return self._midway[app] < HELD_BY_AN_APP and self._apps.has_room(app)

    def refused(self, app: str) -> None:
        self._apps.refused(app)

    @contextmanager
    def midway(self, app: str) -> Iterator[None]:
        self._midway[app] += 1
        try:
            yield
        finally:
            self._midway[app] -= 1
            self._look_soon()

    def go_on(self, active: ActiveSend, begun: Begun) -> None:
        self._begin(active, begun)

    def room(self, app: str, refused: bool) -> "Deferred[bool]":
        return Deferred.fromCoroutine(self._room(app, refused))

    async def _room(self, app: str, refused: bool) -> bool:
        relief: Deferred[None] = Deferred()
        cancel = self._gateway.pressed(app, partial(_fire, relief))
        if cancel is None and not refused:
            return True
        wait = RETRY if cancel is None else LONGEST_WAIT
        self._held += 1
        self._look_soon()  # another send may go on meanwhile
        try:
            await self._pause(min(wait, self._hub.table.lease / RENEWALS), relief)
        finally:
            self._held -= 1
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
