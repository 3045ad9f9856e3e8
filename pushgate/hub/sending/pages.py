"""The pages of one send: read in the database, and put into groups that are submitted."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from twisted.internet.defer import Deferred, succeed

from pushgate.database.interface import Session
from pushgate.hub.hub_context import HubContext
from pushgate.hub.sending.formatting import native_payload
from pushgate.hub.sending.page import Group, SendPage, native_groups, template_groups
from pushgate.hub.store import targets
from pushgate.hub.store.send_work import Plan
from pushgate.hub.tag_expressions.parser import parse_expression
from pushgate.hub.templates.properties import Properties
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import Send

DEVICES: Final = 10_000
"""Devices of a page of a native send that are looked at."""
TEMPLATE_DEVICES: Final = 2000
"""The same of a send by templates, whose notifications may all differ."""


class TargetPages:
    """The pages of a lane of a send.

    :param platform: the only one of the lane; None: of a send by templates, all.
    :param direct: the targets, of a send to handles; empty for one to registered devices.
    """

    def __init__(
        self, hub: HubContext, send: Send, platform: Platform | None, direct: Sequence[bytes] = ()
    ) -> None:
        self._send, self._database, self._owner, self._direct = send, hub.database, hub.owner, direct
        self._platform = platform
        request = send.request
        self._started_at = send.at if send.started_at is None else send.started_at
        self._expression = None if request.expression is None else parse_expression(request.expression)
        self._properties = Properties.of_body(request.body) if request.platform is None else Properties({})
        self._payload = b""
        if request.platform is not None:
            self._payload = native_payload(request.platform, request.body)

    def read(self, after: int, plan: Plan | None) -> "Deferred[SendPage]":
        """The page behind a device; the one that was planned, if one was."""
        platform = self._send.request.platform
        if platform is None:
            return self._database.read(self._template_page, after, plan)
        if self._direct:
            groups = self._native(platform, self._direct)
            return succeed(SendPage(groups, Plan(0, True, self._owner)))
        return self._read_native(platform, after, plan)

    def _read_native(self, platform: Platform, after: int, plan: Plan | None) -> "Deferred[SendPage]":
        until = None if plan is None else plan.end
        reading: Deferred[targets.HandlePage] = self._database.read(
            targets.native_page, self._expression, platform, after, DEVICES, until
        )

        def made(page: targets.HandlePage) -> SendPage:
            planned = plan or self._plan(page.end, max(page.last_device, after))
            return SendPage(self._native(platform, page.handles), planned, skipped={platform: page.skipped})

        return reading.addCallback(made)

    def _template_page(self, session: Session, after: int, plan: Plan | None) -> SendPage:
        """Read a page and render it, in a thread of the database: templates that all differ take long."""
        until = None if plan is None else plan.end
        page = targets.page(session, self._expression, self._platform, True, after, TEMPLATE_DEVICES, until)
        found = page.targets
        planned = plan or self._plan(page.end, found[-1].device if found else after)
        groups, faults = template_groups(found, self._properties, self._started_at)
        skipped = Counter[Platform]()
        for target in found:
            skipped[target.platform] += target.skipped
        return SendPage(groups, planned, faults, dict(skipped))

    def _native(self, platform: Platform, handles: Sequence[bytes]) -> list[Group]:
        return native_groups(platform, self._send.request, self._payload, handles, self._started_at)

    def _plan(self, end: int | None, last_device: int) -> Plan:
        return Plan(last_device if end is None else end, end is None, self._owner)
