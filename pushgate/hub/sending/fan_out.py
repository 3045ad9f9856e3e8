"""One send on its way: its targets are read page by page, and each page is submitted to the gateway.

How a crash is survived. A page is planned on record before any of it is submitted: from the cursor to its
last device, by this gateway. Each of its groups is submitted under an idempotency key that follows from the
send, the cursor and the terms. Then, in one transaction, the batches are recorded and the cursor moves
behind the page. Whatever step is the last before a crash, the planned page is read and submitted again:
what the gateway has already it calls repeated, and what changed meanwhile (a device came or went between)
it calls a conflict: that group was submitted as it was then, and is not submitted again. A page that
another gateway planned, or went on with, cannot be asked about here: it is submitted as doubtful, so that
`delivery` decides.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred

from pushgate.hub.hub_context import HubContext
from pushgate.hub.outcomes.names import refusal_entry, refusal_name, skipped_entry
from pushgate.hub.sending.lease import RENEWALS
from pushgate.hub.sending.page import Group, SendPage, parts
from pushgate.hub.store import batches, send_work
from pushgate.hub.store.batches import BatchEntry
from pushgate.hub.store.send_work import ActiveSend, Plan
from pushgate.model.errors import Conflict, Overloaded, Refusal, ShuttingDown
from pushgate.model.hub.platform import Platform
from pushgate.model.notification import Submission
from pushgate.plugin.gateway_interface import Receipt

PARTS: Final = 10
"""Of a queue's limit, so that one that is not pressed has room for a part."""


class Lost(Exception):
    """Another gateway has the send by now."""


class Stopped(Exception):
    """The hub stops; the send goes on after its next start."""


class Overdue(Exception):
    """The send took too long."""


class Pages(Protocol):
    """Where the pages of one send come from."""

    def read(self, after: int, plan: Plan | None) -> "Deferred[SendPage]":
        """The page behind a device; the one that was planned, if one was."""


class Pace(Protocol):
    """What a send waits for."""

    def check(self, active: ActiveSend) -> None:
        """Raise `Stopped` when the hub stops, `Overdue` when the send took too long."""

    def room(self, app: str, refused: bool) -> "Deferred[bool]":
        """Fires with True if the queue of an app has room, else with False after a while.

        Fails with `Stopped`.

        :param refused: it had none just now.
        """


class FanOut:
    """Works on one send until all its targets are submitted, or another gateway has it.

    Each step keeps the send for this gateway, for as long as the lease of the configuration.
    """

    def __init__(self, hub: HubContext, pages: Pages, pace: Pace) -> None:
        self._hub, self._database, self._gateway, self._owner = hub, hub.database, hub.gateway, hub.owner
        self._pages, self._pace = pages, pace
        self._kept_at = hub.clock.seconds()

    async def run(self, active: ActiveSend) -> None:
        """Submit page by page.

        :raises Lost, Stopped: see there.
        :raises StoreDown: the database is out of reach; the send goes on when it is back.
        """
        reading = self._pages.read(active.after, active.plan)
        while True:
            page = await reading
            self._pace.check(active)
            plan = page.plan
            if active.plan is None:
                await self._must(self._database.write(send_work.plan, active, plan, self._hub.table.lease))
                self._kept_at = self._hub.clock.seconds()
            if not plan.last:
                reading = self._pages.read(plan.end, None)
            try:
                await self._submit(active, page)
            except BaseException:
                if not plan.last:
                    _drop(reading)
                raise
            if plan.last:
                return
            active = replace(active, after=plan.end, plan=None)

    async def _submit(self, active: ActiveSend, page: SendPage) -> None:
        entries: list[BatchEntry] = []
        prefix = f"hub/{active.send.id}/{active.after}"
        doubtful = active.plan is not None and active.plan.owner != self._owner
        try:
            for group in page.groups:
                await self._group(active, group, prefix, doubtful, entries)
        except Overdue:  # what was submitted of the page is the send's all the same, and is to be withdrawn
            await self._database.write(batches.add, active.send.id, _merged(entries))
            raise
        entries += [
            refusal_entry(f"{prefix}/{fault.platform}/faults", fault.platform, fault.error, 1)
            for fault in page.faults
        ]
        entries += [
            skipped_entry(f"{prefix}/{platform}/skipped", platform, count)
            for platform, count in page.skipped.items()
            if count
        ]
        merged = _merged(entries)
        plan = replace(page.plan, owner=self._owner)
        lease = self._hub.table.lease
        await self._must(self._database.write(send_work.advance, active, self._owner, plan, merged, lease))
        self._kept_at = self._hub.clock.seconds()

    async def _group(
        self, active: ActiveSend, group: Group, prefix: str, doubtful: bool, entries: list[BatchEntry]
    ) -> None:
        """Submit a group; append what is kept of it to `entries`, as soon as that is known."""
        app = self._hub.apps.get(group.platform)
        if app is None:
            key = f"{prefix}/{group.platform}/no-app"
            entries.append(skipped_entry(key, group.platform, len(group.handles)))
        else:
            await self._submitted(active, group.platform, group.submission(app, prefix, doubtful), entries)

    async def _submitted(
        self, active: ActiveSend, platform: Platform, submission: Submission, entries: list[BatchEntry]
    ) -> None:
        await self._wait(submission.app, active, refused=False)
        while True:
            try:
                receipt: Receipt = await self._gateway.submit(submission, self._hub.input_name)
            except Overloaded as full:
                if 0 < full.limit < len(submission.tokens):
                    return await self._in_parts(active, platform, submission, full.limit, entries)
                await self._wait(submission.app, active, refused=True)
            except ShuttingDown:
                raise Stopped from None
            except Conflict as conflict:
                return entries.extend(earlier(platform, conflict))
            except Refusal as error:
                key = submission.key or ""
                return entries.append(refusal_entry(key, platform, error, len(submission.tokens)))
            else:
                return entries.append(entry_of(platform, receipt))

    async def _in_parts(
        self,
        active: ActiveSend,
        platform: Platform,
        submission: Submission,
        limit: int,
        entries: list[BatchEntry],
    ) -> None:
        """Submit what a queue never has room for as a whole."""
        for part in parts(submission, max(limit // PARTS, 1)):
            await self._submitted(active, platform, part, entries)

    async def _wait(self, app: str, active: ActiveSend, *, refused: bool) -> None:
        """Return when the queue of an app may have room, and this gateway still has the send."""
        while not await self._pace.room(app, refused):
            refused = False
            self._pace.check(active)
            await self._keep(active)
        self._pace.check(active)
        await self._keep(active)

    async def _keep(self, active: ActiveSend) -> None:
        """Renew the lease when a good part of it is over: a page of many groups may take longer than that."""
        now, lease = self._hub.clock.seconds(), self._hub.table.lease
        if now - self._kept_at > lease / RENEWALS:
            self._kept_at = now
            await self._must(self._database.write(send_work.renew, active.send.id, self._owner, lease))

    async def _must(self, writing: "Deferred[bool]") -> None:
        if not await writing:
            raise Lost


def earlier(platform: Platform, conflict: Conflict) -> list[BatchEntry]:
    """What is kept of a batch whose page has changed since: its outcomes are counted for the send.

    How many they will be is not known, so the send does not wait for them.
    """
    return [] if conflict.first is None else [BatchEntry(id=f"{conflict.first:032x}", platform=platform)]


def entry_of(platform: Platform, receipt: Receipt) -> BatchEntry:
    """What is kept of a batch that the gateway accepted."""
    outcomes = Counter(refusal_name(error) for _, error in receipt.refused)
    return BatchEntry(
        id=f"{receipt.id:032x}",
        platform=platform,
        live=receipt.count - len(receipt.refused),
        outcomes=dict(outcomes),
    )


def _merged(entries: Sequence[BatchEntry]) -> list[BatchEntry]:
    """The same, with one for each id."""
    found: dict[str, BatchEntry] = {}
    for entry in entries:
        known = found.get(entry.id)
        if known is not None:
            counts = Counter(known.outcomes)
            counts.update(entry.outcomes)
            found[entry.id] = replace(known, live=known.live + entry.live, outcomes=dict(counts))
        else:
            found[entry.id] = entry
    return list(found.values())


def _drop(reading: "Deferred[SendPage]") -> None:
    """What was read ahead is not needed: its failure is no news."""
    reading.addErrback(lambda _: None)
