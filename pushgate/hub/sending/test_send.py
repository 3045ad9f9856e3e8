"""Test sends: to ten devices at most, and what became of each is the answer."""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
from twisted.internet.defer import Deferred, DeferredList

from pushgate.hub.hub_context import HubContext
from pushgate.hub.outcomes.names import WORDS, refusal_name
from pushgate.hub.outcomes.reports import name_of
from pushgate.hub.sending.acceptance import Acceptance
from pushgate.hub.sending.formatting import native_payload
from pushgate.hub.sending.page import Group, native_groups, template_groups
from pushgate.hub.sending.page_submission import entry_of
from pushgate.hub.store import batches, sends, targets
from pushgate.hub.store.batches import BatchEntry
from pushgate.hub.store.targets import Target
from pushgate.hub.tag_expressions.parser import parse_expression
from pushgate.hub.templates.properties import Properties
from pushgate.model.errors import Refusal, TooFast
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import DeviceResult, Send, SendRequest, SendTestOutcome
from pushgate.model.outcome import Outcome
from pushgate.protocols.telemetry_names import OutcomeName

MOST: Final = 10
"""Devices of a test send."""
CANDIDATES: Final = 10_000
"""Devices that they are chosen from by chance."""
PATIENCE: Final = 60.0
"""Seconds that outcomes are waited for."""
MINUTE: Final = 60.0
PENDING: Final = "There is no outcome yet"


class _Under(msgspec.Struct):
    """A notification under way.

    :ivar name: of its outcome, "" before.
    :ivar taken: it is in a group.
    """

    platform: Platform
    handle: bytes
    registration_id: str
    name: str = ""
    taken: bool = False


class SendTester:
    """The test sends of one hub.

    :param acceptance: its rules for sends.
    """

    def __init__(self, hub: HubContext, acceptance: Acceptance) -> None:
        self._hub, self._database, self._gateway, self._clock = hub, hub.database, hub.gateway, hub.clock
        self._acceptance = acceptance
        self._recent: deque[float] = deque()

    async def send(self, request: SendRequest) -> SendTestOutcome:
        """Carry out a test send.

        :raises TooFast: there were too many in the last minute.
        """
        request = msgspec.structs.replace(self._acceptance.check(request), scheduled_for=None)
        self._take_turn()
        found = await self._targets(request)
        send: Send = await self._database.write(sends.begin, uuid4().hex, request)
        under = [_Under(each.platform, each.handle, each.registration_id) for each in found]
        entries, waiting = await self._submit(send, found, under)
        await self._database.write(batches.add, send.id, entries)
        if waiting:
            ended: Deferred[Any] = DeferredList(waiting)
            ended.addTimeout(PATIENCE, self._clock, lambda *_: None)
            await ended
        form = {platform: platform.form for platform in Platform}
        return SendTestOutcome(
            id=send.id, results=tuple(_result(each, form[each.platform].write(each.handle)) for each in under)
        )

    def _take_turn(self) -> None:
        now, limit = self._clock.seconds(), self._hub.table.test_sends
        while self._recent and self._recent[0] <= now - MINUTE:
            self._recent.popleft()
        if len(self._recent) >= limit:
            wait = self._recent[0] + MINUTE - now if self._recent else MINUTE
            raise TooFast(limit / MINUTE, wait)
        self._recent.append(now)

    async def _targets(self, request: SendRequest) -> list[Target]:
        """Some of the targets, chosen by chance."""
        if request.handles:
            assert request.platform is not None
            handles = self._acceptance.targets(request)
            found = [Target(device=0, handle=handle, platform=request.platform) for handle in handles]
        else:
            expression = None if request.expression is None else parse_expression(request.expression)
            by_template = request.platform is None
            page: targets.TargetPage = await self._database.read(
                targets.page, expression, request.platform, by_template, 0, CANDIDATES
            )
            found = [each for each in page.targets if each.platform in self._hub.apps]
        chosen: list[Target] = []
        while found and len(chosen) < MOST:
            chosen.append(found.pop(min(int(self._hub.jitter() * len(found)), len(found) - 1)))
        return chosen

    async def _submit(
        self, send: Send, found: Sequence[Target], under: list[_Under]
    ) -> tuple[list[BatchEntry], list["Deferred[None]"]]:
        entries: list[BatchEntry] = []
        waiting: list[Deferred[None]] = []
        for group in self._groups(send.request, found, send.at, under):
            mine = _members(group, under)
            ended: Deferred[None] = Deferred()
            submission = group.submission(self._hub.app(group.platform), f"hub/{send.id}/test")
            settled = _Settled(mine, ended)
            try:
                receipt = await self._gateway.submit(submission, self._hub.input_name, settled)
            except Refusal as error:
                name = refusal_name(error)
                for each in mine:
                    each.name = name
                entries.append(
                    BatchEntry(id=str(submission.key), platform=group.platform, outcomes={name: len(mine)})
                )
                continue
            settled.refused(receipt.refused)
            entries.append(entry_of(group.platform, receipt))
            waiting.append(ended)
        return entries, waiting

    def _groups(
        self, request: SendRequest, found: Sequence[Target], at: float, under: list[_Under]
    ) -> list[Group]:
        if request.platform is not None:
            payload = native_payload(request.platform, request.body)
            handles = [each.handle for each in found]
            return native_groups(request.platform, request, payload, handles, at) if handles else []
        groups, faults = template_groups(found, Properties.of_body(request.body), at)
        for fault in faults:
            for each in under:
                if (each.platform, each.handle) == (fault.platform, fault.handle) and not each.taken:
                    each.name, each.taken = refusal_name(fault.error), True
                    break
        return groups


class _Settled:
    """Takes the outcomes of one batch; fires `ended` when it has all of them.

    :param under: the members, in their order.
    """

    def __init__(self, under: Sequence[_Under], ended: "Deferred[None]") -> None:
        self._under, self._ended = under, ended

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            for each in self._under[outcome.span.start : outcome.span.stop]:
                each.name = name_of(outcome)
        self._check()

    def refused(self, refused: Sequence[tuple[int, Refusal]]) -> None:
        """Note members that were not accepted."""
        for index, error in refused:
            self._under[index].name = refusal_name(error)
        self._check()

    def _check(self) -> None:
        if not self._ended.called and all(each.name for each in self._under):
            self._ended.callback(None)


def _members(group: Group, under: Sequence[_Under]) -> list[_Under]:
    """The notifications of a group in its order; of a device with many templates some one for each."""
    left: dict[tuple[Platform, bytes], list[_Under]] = {}
    for each in under:
        if not each.taken:
            left.setdefault((each.platform, each.handle), []).append(each)
    members = [left[group.platform, handle].pop(0) for handle in group.handles]
    for each in members:
        each.taken = True
    return members


def _result(under: _Under, handle: str) -> DeviceResult:
    words = WORDS.get(OutcomeName(under.name), under.name) if under.name else PENDING
    return DeviceResult(
        platform=under.platform,
        handle=handle,
        registration_id=under.registration_id,
        outcome=words,
        succeeded=under.name == OutcomeName.SUCCESS,
    )
