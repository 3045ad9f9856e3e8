"""Pushes to managed devices when `schedule` says so; the database has when that is."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.database.interface import IDatabase
from pushgate.mdm import enrolments
from pushgate.mdm.enrolments import PushOutcome
from pushgate.mdm.push_outcomes import INPUT_NAME
from pushgate.mdm.queued_pushes import QueuedPushes
from pushgate.mdm.schedule import AWAKE
from pushgate.model.enrolment import Enrolment
from pushgate.model.errors import Conflict, NotFound, Overloaded, Refusal, ShuttingDown
from pushgate.model.notification import MAX_EXPIRATION, Submission, Terms
from pushgate.model.packed import Packed
from pushgate.model.store_down import StoreDown
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.mdm_push import MDM, MDM_TTL, push_payload, shown_hash

PAGE: Final = 200
"""Pushes submitted at a time."""
LONGEST: Final = 60.0
"""Seconds between two looks at most: the wall clock, by which pushes are due, may be set."""
LATER: Final = 30.0
"""Seconds until a push that found no room is tried again."""


class Waker:
    """Submits what is due, one push of a device at a time.

    A push is on record before it is submitted, under an idempotency key that follows from the record. So one
    that a crash cut off is submitted again at the next start, and the spool takes it once.
    """

    log = Logger()

    def __init__(self, database: IDatabase, gateway: IGateway, context: Context) -> None:
        self._database, self._gateway, self._context = database, gateway, context
        self._queued = QueuedPushes()
        self._working: Deferred[Any] | None = None
        self._timer: IDelayedCall | None = None
        self._again, self._running = False, False

    def start(self) -> None:
        """Submit again what a crash may have cut off, then what is due."""
        self._running = True
        self._work(self._resume())

    async def stop(self) -> None:
        """Begin no further push; what is due stays on record."""
        self._running = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._working is not None:
            await DeferredList([self._working])

    async def withdraw(self, enrolment: int) -> None:
        """Take the push of an enrolment out of the queue of its app, if it waits there or is about to."""
        notification = self._queued.take(enrolment)
        if notification is not None:
            await self._cancel(notification)

    def settled(self, outcomes: Sequence[PushOutcome]) -> None:
        """Pushes, some of them perhaps of the schedule, have their outcome: others may be due."""
        for each in outcomes:
            self._queued.settled(each.id)
        self.look()

    def look(self) -> None:
        """Look now for what is due; called when something has changed."""
        if not self._running:
            return
        if self._working is not None:
            self._again = True
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._work(self._look())

    def _work(self, work: Any) -> None:
        working: Deferred[Any] = Deferred.fromCoroutine(work)
        self._working = working
        working.addErrback(self._failed).addCallback(self._looked)

    def _looked(self, due_at: float | None) -> None:
        self._working = None
        if self._running:
            wait = LONGEST if due_at is None else max(0.0, due_at - self._context.wall())
            if self._again:
                wait = 0.0
            self._again = False
            self._timer = self._context.reactor.callLater(min(wait, LONGEST), self.look)

    def _failed(self, failure: Failure) -> float:
        if not failure.check(StoreDown, CancelledError):
            self.log.failure("waking managed devices", failure)
        return self._context.wall() + LATER

    async def _resume(self) -> float | None:
        after = 0
        # By the thread that writes: what checks out later is reported later, and finds its push submitted.
        while self._running and (page := await self._database.write(enrolments.waiting, after, PAGE)):
            await self._submit_all(page)
            after = page[-1].id
        return await self._look()

    async def _look(self) -> float | None:
        """Submit what is due; return when the next push is, in Unix seconds."""
        later: float | None = None
        while self._running:
            now = self._context.wall()
            numbers, later = await self._database.read(enrolments.due, now, PAGE)
            if not numbers:
                break
            await self._submit_all(await self._database.write(enrolments.begin_push, numbers, now))
        return later

    async def _submit_all(self, begun: list[Enrolment]) -> None:
        await DeferredList([Deferred.fromCoroutine(self._submit(each)) for each in begun])

    async def _submit(self, begun: Enrolment) -> None:
        refusal = await self._submitted(begun)
        if refusal is None:
            self._context.metrics.count("pushgate_mdm_events_total", begun.app, "pushed")
            return
        self._queued.take(begun.id)
        wait = LATER if isinstance(refusal, Overloaded | ShuttingDown) else AWAKE
        if wait == AWAKE:
            self.log.warn(
                "{app}: the MDM push to {hash} is not possible, and is tried again in {hours:g} h: {why}",
                app=begun.app, hash=shown_hash(begun.token), hours=wait / 3600, why=str(refusal),
            )  # fmt: skip
        await self._put_off(begun, self._context.wall() + wait)

    async def _submitted(self, begun: Enrolment) -> Refusal | None:
        """Submit a push; return why it was refused, None when it was taken."""
        self._queued.begin(begun.id)
        try:
            receipt = await self._gateway.submit(_submission(begun), INPUT_NAME)
        except Conflict:  # submitted before, and the clock was set meanwhile
            self._queued.take(begun.id)
            return None
        except Refusal as error:
            return error
        if receipt.refused:
            return receipt.refused[0][1]
        if not self._queued.submitted(begun.id, receipt.id):
            await self._cancel(receipt.id)
        return None

    async def _cancel(self, notification: int) -> None:
        with suppress(NotFound):  # it has had its outcome
            withdrawn = self._gateway.cancel(notification)
            if isinstance(withdrawn, Deferred):
                await withdrawn

    async def _put_off(self, begun: Enrolment, until: float) -> None:
        with suppress(StoreDown):  # then it stays on record as submitted, and is so again at the next start
            await self._database.write(enrolments.put_off, begun.id, until)


def _submission(begun: Enrolment) -> Submission:
    pushed_at = begun.pushed_at or begun.enrolled_at
    return Submission(
        app=begun.app,
        tokens=Packed.of([begun.token], 2),
        payload=push_payload(begun.push_magic),
        terms=Terms(
            push_type=MDM,
            topic=begun.topic,
            expiration=min(MAX_EXPIRATION, int(pushed_at + MDM_TTL)),
            registered_at=int(begun.enrolled_at),
        ),
        key=f"mdm/{begun.id}/{begun.pushes}",
    )
