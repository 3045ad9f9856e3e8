"""One page of a send on its way to the gateway: no platform waits for another one."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from pushgate.hub.hub_context import HubContext
from pushgate.hub.outcomes.names import refusal_entry, refusal_name, skipped_entry
from pushgate.hub.sending.pace import Begun, Pace, Stopped
from pushgate.hub.sending.page import Group, SendPage, parts
from pushgate.hub.store.batches import BatchEntry
from pushgate.hub.store.send_work import ActiveSend, NewLane
from pushgate.model.errors import Conflict, Overloaded, Refusal, ShuttingDown
from pushgate.model.hub.platform import Platform
from pushgate.model.notification import Submission
from pushgate.plugin.gateway_interface import Receipt

PARTS: Final = 10
"""Of a queue's limit, so that one that is not pressed has room for a part."""


class PageSubmission:
    """Submits the groups of a page.

    :param go_on: asked before each group: raises when the send is not to go on, and keeps it otherwise.
    :param begun: what was submitted of the page before, if anything was.
    :ivar left: the groups that found no room, by platform.
    :ivar begun: the platforms of which something was submitted.
    """

    def __init__(
        self,
        hub: HubContext,
        pace: Pace,
        active: ActiveSend,
        page: SendPage,
        go_on: Callable[[], Awaitable[None]],
        begun: Begun | None = None,
    ) -> None:
        self._hub, self._gateway, self._pace, self._go_on = hub, hub.gateway, pace, go_on
        self._active, self._page = active, page
        self._prefix = f"hub/{active.send.id}/{active.after}"
        self._doubtful = active.plan is not None and active.plan.owner != hub.owner
        self._entries = [] if begun is None else list(begun.entries)
        self.begun = set() if begun is None else {each.platform for each in begun.page.groups}
        self.left: dict[Platform, list[Group]] = {}
        self._too_large = False

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was submitted, for want of room that there may be later."""
        return bool(self.left) and not self.begun and not self._too_large

    async def offer(self) -> None:
        """Submit the groups whose apps have room; behind one that found none others of its app are left."""
        for group in self._page.groups:
            await self._go_on()
            if group.platform in self.left or not await self._offered(group):
                self.left.setdefault(group.platform, []).append(group)

    async def wait(self) -> None:
        """Submit what is left, each group when there is room."""
        for platform, groups in list(self.left.items()):
            with self._pace.midway(self._hub.apps[platform]):
                for group in groups:
                    await self._submitted(platform, self._submission(group))
        self.left = {}

    def submitted(self) -> list[BatchEntry]:
        """What is kept of all that was submitted."""
        return merged(self._entries)

    def entries(self) -> list[BatchEntry]:
        """What is kept of the page, but for the platforms that are left."""
        page = self._page.without(self.left)
        found = [each for each in self._entries if each.platform not in self.left]
        found += [
            refusal_entry(f"{self._prefix}/{fault.platform}/faults", fault.platform, fault.error, 1)
            for fault in page.faults
        ]
        found += [
            skipped_entry(f"{self._prefix}/{platform}/skipped", platform, count)
            for platform, count in page.skipped.items()
            if count
        ]
        return merged(found)

    def lanes(self) -> list[NewLane]:
        """The lanes in which the platforms that are left go on.

        A page that was planned at another time, or begun, is gone through as it was planned.
        """
        expiry = self._hub.table.expiry
        planned = None if self._active.plan is None else self._page.plan
        return [
            NewLane(platform, self._page.plan, self._hub.owner, expiry)
            if platform in self.begun
            else NewLane(platform, planned, "", expiry)
            for platform in self.left
        ]

    def rest(self, platform: Platform) -> Begun:
        """What is left of a platform, and what is kept of its part of the page so far."""
        page = replace(self._page.of(platform), groups=self.left[platform])
        return Begun(page, tuple(each for each in self._entries if each.platform is platform))

    def _submission(self, group: Group) -> Submission:
        return group.submission(self._hub.apps[group.platform], self._prefix, self._doubtful)

    async def _offered(self, group: Group) -> bool:
        """Submit a group if there is room for it; of a page that was begun all of it is tried."""
        platform, app = group.platform, self._hub.apps.get(group.platform)
        if app is None:
            key = f"{self._prefix}/{platform}/no-app"
            self._entries.append(skipped_entry(key, platform, len(group.handles)))
            return True
        if platform not in self.begun and not self._pace.has_room(app):
            return False
        try:
            await self._submit(platform, self._submission(group))
        except Overloaded as full:
            if _never_fits(full, len(group.handles)):
                self._too_large = True
            else:
                self._pace.refused(app)
            return False
        return True

    async def _submitted(self, platform: Platform, submission: Submission) -> None:
        await self._wait(submission.app, refused=False)
        while True:
            try:
                return await self._submit(platform, submission)
            except Overloaded as full:
                if _never_fits(full, len(submission.tokens)):
                    for part in parts(submission, max(full.limit // PARTS, 1)):
                        await self._submitted(platform, part)
                    return None
                await self._wait(submission.app, refused=True)

    async def _submit(self, platform: Platform, submission: Submission) -> None:
        """Submit, and keep what came of it as soon as that is known. Raises `Overloaded`, `Stopped`."""
        found: Iterable[BatchEntry]
        try:
            receipt: Receipt = await self._gateway.submit(submission, self._hub.input_name)
            found = [entry_of(platform, receipt)]
        except Overloaded:
            raise
        except ShuttingDown:
            raise Stopped from None
        except Conflict as conflict:
            found = earlier(platform, conflict)
        except Refusal as error:
            found = [refusal_entry(submission.key or "", platform, error, len(submission.tokens))]
        self.begun.add(platform)
        self._entries += found

    async def _wait(self, app: str, *, refused: bool) -> None:
        """Return when the queue of an app may have room, and this gateway still has the send."""
        while not await self._pace.room(app, refused):
            refused = False
            await self._go_on()
        await self._go_on()


def _never_fits(full: Overloaded, count: int) -> bool:
    """Whether a queue has no room for so many even when it is empty."""
    return 0 < full.limit < count


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


def merged(entries: Sequence[BatchEntry]) -> list[BatchEntry]:
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
