"""One send on its way: its targets are read page by page, and each page is submitted to the gateway.

How a crash is survived. A page is planned on record before any of it is submitted: from the cursor to its
last device, by this gateway. Each of its groups is submitted under an idempotency key that follows from the
send, the cursor and the terms. Then, in one transaction, the batches are recorded and the cursor moves
behind the page. Whatever step is the last before a crash, the planned page is read and submitted again:
what the gateway has already it calls repeated, and what changed meanwhile (a device came or went between)
it calls a conflict: that group was submitted as it was then, and is not submitted again. A page that
another gateway planned, or went on with, cannot be asked about here: it is submitted as doubtful, so that
`delivery` decides.

How a full queue holds up its own platform only. What has room is submitted first. A platform without room
leaves a send by templates: in the transaction that moves the cursor it gets a lane of its own, with the
cursor before this page, and all other platforms go on without it. A lane of one platform that finds no room
before any of its page was submitted is given back, so that it costs nothing until there is room; one that
finds none in the middle of a page waits with the rest of that in memory, for what is submitted again after
it was read again could have changed.
"""

from functools import partial
from typing import Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed

from pushgate.hub.hub_context import HubContext
from pushgate.hub.sending.lease import RENEWALS
from pushgate.hub.sending.pace import Begun, HeldUp, Lost, Overdue, Pace
from pushgate.hub.sending.page import SendPage
from pushgate.hub.sending.page_submission import PageSubmission
from pushgate.hub.store import batches, send_work
from pushgate.hub.store.send_work import ActiveSend, DonePage, Plan
from pushgate.model.hub.platform import Platform


class Pages(Protocol):
    """Where the pages of one lane come from."""

    def read(self, after: int, plan: Plan | None) -> "Deferred[SendPage]":
        """The page behind a device; the one that was planned, if one was."""


class FanOut:
    """Works on one lane of a send until all its targets are submitted, or it is another gateway's.

    Each step keeps the lane for this gateway, for as long as the lease of the configuration.
    """

    def __init__(self, hub: HubContext, pages: Pages, pace: Pace) -> None:
        self._hub, self._database, self._owner = hub, hub.database, hub.owner
        self._pages, self._pace = pages, pace
        self._kept_at = hub.clock.seconds()

    async def run(self, active: ActiveSend, begun: Begun | None = None) -> None:
        """Submit page by page.

        :param begun: the rest of the first page, if some of that was submitted.
        :raises Lost, Stopped, Overdue, HeldUp: see there.
        :raises StoreDown: the database is out of reach; the send goes on when it is back.
        """
        if begun is None:
            await self._check_room(active)
        reading = self._pages.read(active.after, active.plan) if begun is None else succeed(begun.page)
        while True:
            page = (await reading).without(active.apart)
            self._pace.check(active)
            plan = page.plan
            if active.plan is None:
                await self._must(self._database.write(send_work.plan, active, plan, self._hub.table.lease))
            if not plan.last:
                reading = self._pages.read(plan.end, None)
            try:
                active = await self._submit(active, page, begun)
            except BaseException:
                if not plan.last:
                    _drop(reading)
                raise
            if plan.last:
                return
            begun = None

    async def _check_room(self, active: ActiveSend) -> None:
        """Give a lane back whose app has no room, before anything is read for it."""
        app = None if active.platform is None else self._hub.apps.get(active.platform)
        if app is not None and not self._pace.has_room(app):
            await self._give_back(active)

    async def _give_back(self, active: ActiveSend) -> None:
        expiry = self._hub.table.expiry
        await self._database.write(send_work.give_back, active, active.platform, self._owner, expiry)
        raise HeldUp

    async def _submit(self, active: ActiveSend, page: SendPage, begun: Begun | None) -> ActiveSend:
        """Submit a page and record it; return where the lane goes on."""
        work = PageSubmission(self._hub, self._pace, active, page, partial(self._go_on, active), begun)
        try:
            await work.offer()
            if active.platform is not None:
                if work.is_untouched:
                    await self._give_back(active)
                await work.wait()
        except Overdue:  # what was submitted of the page is the send's all the same, and is to be withdrawn
            await self._database.write(batches.add, active.send.id, work.submitted())
            raise
        return await self._record(active, page.plan, work)

    async def _record(self, active: ActiveSend, plan: Plan, work: PageSubmission) -> ActiveSend:
        page = DonePage(plan, work.entries(), work.lanes())
        numbers: dict[Platform, int] | None = await self._database.write(
            send_work.advance, active, self._owner, page, self._hub.table.lease
        )
        if numbers is None:
            raise Lost
        self._kept_at = self._hub.clock.seconds()
        for platform in work.begun.intersection(work.left):
            lane = replace(active, lane=numbers[platform], platform=platform, plan=plan, apart=frozenset())
            self._pace.go_on(lane, work.rest(platform))
        return replace(active, after=plan.end, plan=None, apart=active.apart.union(work.left))

    async def _go_on(self, active: ActiveSend) -> None:
        """Renew the lease when a good part of it is over: a page of many groups may take longer than that."""
        self._pace.check(active)
        now, lease = self._hub.clock.seconds(), self._hub.table.lease
        if now - self._kept_at > lease / RENEWALS:
            self._kept_at = now
            await self._must(self._database.write(send_work.renew, active.lane, self._owner, lease))

    async def _must(self, writing: "Deferred[bool]") -> None:
        if not await writing:
            raise Lost


def _drop(reading: "Deferred[SendPage]") -> None:
    """What was read ahead is not needed: its failure is no news."""
    reading.addErrback(lambda _: None)
