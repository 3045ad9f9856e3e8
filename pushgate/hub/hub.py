"""A hub: composed of its registry, its sends, their outcomes, and its jobs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.database.interface import IDatabase
from pushgate.hub.hub_context import HubContext
from pushgate.hub.jobs.containers import Containers
from pushgate.hub.jobs.hub_registrar import HubRegistrar
from pushgate.hub.jobs.runner import JobRunner
from pushgate.hub.outcomes.sink import HubSink
from pushgate.hub.outcomes.sweep import Sweep
from pushgate.hub.registry import Registry
from pushgate.hub.rules import read_rules
from pushgate.hub.sending.acceptance import Acceptance
from pushgate.hub.sending.lease import owner_id
from pushgate.hub.sending.sender import Sender
from pushgate.hub.sending.test_send import SendTester
from pushgate.hub.settings import HubTable
from pushgate.hub.store import feedback, sends, tags, targets
from pushgate.hub.store.database import open_database
from pushgate.hub.tag_expressions.parser import parse_expression
from pushgate.model.errors import Refusal, ShuttingDown
from pushgate.model.hub.access import AccessRule
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.job import Job, JobRequest
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, RegistrationPage, RegistrationQuery
from pushgate.model.hub.send import Send, SendDetails, SendRequest, SendTestOutcome
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.hub_interface import IHub, PatchOperation
from pushgate.plugin.optional_interfaces import IReadsFiles

_async = Deferred.fromCoroutine


@implementer(IHub, IReadsFiles)
class Hub:
    """Started after the gateway and stopped before it; its `sink` is there for longer.

    :param database: None: the one that the configuration names.
    :ivar sink: takes the outcomes, and has the database open from its start to its stop.
    :raises CannotStart: a file that the configuration names cannot be used.
    """

    def __init__(
        self,
        name: str,
        table: HubTable,
        gateway: IGateway,
        context: Context,
        database: IDatabase | None = None,
    ) -> None:
        self.name, self._rules = name, read_rules(name, table)
        self._database = database or open_database(name, table, context)
        self._hub = HubContext(name, table, self._database, gateway, context, owner_id(context.state_dir))
        self._acceptance = Acceptance(self._hub)
        self._registry = Registry(self._hub)
        self._sender = Sender(self._hub, self._acceptance)
        self._tester = SendTester(self._hub, self._acceptance)
        self._sweep = Sweep(self._hub)
        self.sink = HubSink(self._hub, self._sweep.doubted)
        self.containers = Containers(name, context.state_dir and context.state_dir / "hubs")
        self._jobs = JobRunner(
            name, self._database, self.containers, HubRegistrar(name, self._registry), context,
            owner=self._hub.owner, keep=lambda: self._hub.table.keep,
        )  # fmt: skip
        self._running = False

    # called by the service

    def start(self) -> None:
        """Go on with what was begun; the gateway is started, and `sink` with it."""
        self._running = True
        self._sender.start()
        self._sweep.start()
        self._jobs.start()

    def stop(self) -> "Deferred[None]":
        """Begin nothing new; fires when what is under way is on record. Before the gateway stops."""
        return _async(self._stop())

    def configured(self, table: HubTable) -> Callable[[], None]:
        """Read what another table of this hub names; return what has it used from now on.

        :raises CannotStart: a file cannot be used; nothing has changed.
        """
        rules = read_rules(self.name, table)

        def use() -> None:
            self._hub.use(table)
            self._rules = rules

        return use

    def read_files(self) -> Callable[[], None]:
        return self.configured(self._hub.table)

    async def _stop(self) -> None:
        self._running = False
        await self._jobs.stop()
        await self._sender.stop()
        await self._sweep.stop()

    # IHub

    def apps(self) -> Mapping[Platform, str]:
        return self._hub.apps

    def rules(self) -> Mapping[str, AccessRule]:
        return self._rules

    def create_registration_id(self) -> "Deferred[str]":
        return _async(self._registry.create_id())

    def create_registration(self, registration: Registration) -> "Deferred[Registration]":
        return _async(self._registry.create(registration))

    def put_registration(
        self, registration: Registration, if_match: str | None = None
    ) -> "Deferred[Registration]":
        return _async(self._registry.put(registration, if_match))

    def import_registrations(
        self, registrations: Sequence[Registration]
    ) -> "Deferred[list[Registration | Refusal]]":
        return _async(self._registry.import_many(registrations))

    def registration(self, registration_id: str) -> "Deferred[Registration]":
        return _async(self._registry.find(registration_id))

    def delete_registration(self, registration_id: str, if_match: str | None = None) -> "Deferred[None]":
        return _async(self._registry.delete(registration_id, if_match))

    def registrations(self, query: RegistrationQuery) -> "Deferred[RegistrationPage]":
        return _async(self._registry.page(query))

    def put_installation(self, installation: Installation) -> "Deferred[None]":
        return _async(self._registry.put_installation(installation))

    def patch_installation(
        self, installation_id: str, operations: Sequence[PatchOperation]
    ) -> "Deferred[None]":
        return _async(self._registry.patch_installation(installation_id, operations))

    def installation(self, installation_id: str) -> "Deferred[Installation]":
        return _async(self._registry.installation(installation_id))

    def delete_installation(self, installation_id: str) -> "Deferred[None]":
        return _async(self._registry.delete_installation(installation_id))

    def send(self, request: SendRequest) -> "Deferred[Send]":
        return _async(self._send(request))

    async def _send(self, request: SendRequest) -> Send:
        self._check_running()
        checked = self._acceptance.check(request)
        send: Send = await self._database.write(sends.add, uuid4().hex, checked)
        self._hub.metrics.count("pushgate_hub_sends_total", self.name, _kind(checked))
        self._sender.look()
        return send

    def test_send(self, request: SendRequest) -> "Deferred[SendTestOutcome]":
        return _async(self._test_send(request))

    async def _test_send(self, request: SendRequest) -> SendTestOutcome:
        self._check_running()
        tested = await self._tester.send(request)
        self._hub.metrics.count("pushgate_hub_sends_total", self.name, "test")
        return tested

    def cancel(self, send_id: str) -> "Deferred[bool]":
        return self._database.write(sends.cancel, send_id)

    def details(self, send_id: str) -> "Deferred[SendDetails]":
        return self._database.read(sends.details, send_id)

    def sends(self, scheduled: bool, limit: int) -> "Deferred[list[Send]]":
        return self._database.read(sends.latest, scheduled, limit)

    def feedback(
        self, send_id: str | None, day: str | None, after: int, limit: int
    ) -> "Deferred[list[PnsFeedback]]":
        return self._database.read(feedback.read, send_id, day, after, limit)

    def feedback_days(self) -> "Deferred[list[str]]":
        return self._database.read(feedback.days)

    def submit_job(self, request: JobRequest) -> "Deferred[Job]":
        return _async(self._jobs.submit(request))

    def job(self, job_id: str) -> "Deferred[Job]":
        return _async(self._jobs.job(job_id))

    def jobs(self) -> "Deferred[list[Job]]":
        return _async(self._jobs.jobs())

    def count(self, expression: str | None) -> "Deferred[dict[str, int]]":
        return _async(self._count(expression))

    async def _count(self, expression: str | None) -> dict[str, int]:
        parsed = None if expression is None else parse_expression(expression)
        counts: dict[Platform, int] = await self._database.read(targets.count, parsed)
        return {str(platform): number for platform, number in counts.items()}

    def tags(self, after: str, limit: int) -> "Deferred[list[tuple[str, int]]]":
        return self._database.read(tags.page, after, limit)

    def stats(self) -> dict[str, Any]:
        counts = self._hub.metrics.counts
        return {
            "sends_active": self._sender.active(),
            "sends": _of_hub(counts["pushgate_hub_sends_total"], self.name),
            "registrations": _of_hub(counts["pushgate_hub_registrations_total"], self.name),
            "outcomes": _of_hub(counts["pushgate_hub_outgoing_total"], self.name),
        }

    def _check_running(self) -> None:
        if not self._running or not self._hub.gateway.accepting():
            raise ShuttingDown


def _kind(request: SendRequest) -> str:
    if request.scheduled_for is not None:
        return "scheduled"
    if request.handles:
        return "direct"
    return "template" if request.platform is None else "native"


def _of_hub(counts: Mapping[tuple[str, ...], int], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for (hub, *_, word), count in counts.items():
        if hub == name:
            found[word] = found.get(word, 0) + count
    return found
