"""A hub in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

from msgspec.structs import replace
from twisted.internet.defer import Deferred, execute
from zope.interface import implementer

from pushgate.hub.jobs.containers import Containers
from pushgate.model.errors import Invalid, Refusal
from pushgate.model.hub.access import AccessRule, Right
from pushgate.model.hub.errors import EtagMismatch, Gone, UnknownResource
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.job import Job, JobRequest, JobStatus
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, RegistrationPage, RegistrationQuery
from pushgate.model.hub.send import Send, SendDetails, SendRequest, SendState, SendTestOutcome
from pushgate.plugin.hub_interface import IHub, PatchOperation
from pushgate.protocols.notification_hubs.json_patch import apply
from pushgate.testing.context import EPOCH

_T = TypeVar("_T")

ALL_RIGHTS = {"Full": AccessRule(frozenset(Right), (b"full-key",))}
"""One rule that may do everything."""


def _fires(method: Callable[..., _T]) -> "Callable[..., Deferred[_T]]":
    """A method that fires with what another one returns, or fails with what it raises."""

    def answer(self: Any, *arguments: Any) -> "Deferred[_T]":
        if self.fault is not None:
            return execute(_raise, self.fault)
        return execute(method, self, *arguments)

    answer.__doc__ = method.__doc__
    answer.__wrapped__ = method  # type: ignore[attr-defined]  # for its signature
    return answer


def _raise(error: Exception) -> Any:
    raise error


@implementer(IHub)
class FakeHub:
    """Keeps what it is given, and answers by the rules of `IHub`; it looks for no targets and sends nothing.

    :param wall: returns Unix seconds.
    :ivar containers: in memory only the key, until `Containers.use` names a directory.
    :ivar all_rules: what `rules` returns.
    :ivar all_apps: what `apps` returns.
    :ivar fault: what every call fails with, None when they succeed.
    :ivar requests: the sends that were accepted, test sends included.
    :ivar sent: the sends, by id.
    :ivar entries: the feedback there is.
    :ivar outcomes: what `test_send` and `details` say, by platform.
    """

    def __init__(
        self,
        name: str = "main",
        rules: Mapping[str, AccessRule] = ALL_RIGHTS,
        wall: Callable[[], float] = lambda: EPOCH,
    ) -> None:
        self.name, self.all_rules, self._wall = name, dict(rules), wall
        self.all_apps = {Platform.APNS: "news"}
        self.containers = Containers(name, None)
        self.fault: Exception | None = None
        self.kept: dict[str, Registration] = {}
        self.installations: dict[str, Installation] = {}
        self.requests: list[SendRequest] = []
        self.sent: dict[str, Send] = {}
        self.all_jobs: dict[str, Job] = {}
        self.entries: list[PnsFeedback] = []
        self.outcomes: dict[Any, dict[str, int]] = {}
        self._given: set[str] = set()
        self._numbers = count(1)

    def rules(self) -> Mapping[str, AccessRule]:
        return self.all_rules

    def apps(self) -> Mapping[Platform, str]:
        return self.all_apps

    @_fires
    def create_registration_id(self) -> str:
        number = self._id()
        self._given.add(number)
        return number

    @_fires
    def create_registration(self, registration: Registration) -> Registration:
        return self._keep(replace(registration, id=self._id()))

    @_fires
    def put_registration(self, registration: Registration, if_match: str | None = None) -> Registration:
        kept = self.kept.get(registration.id)
        if kept is None and registration.id not in self._given:
            raise Gone
        self._match(kept, if_match)
        return self._keep(registration)

    @_fires
    def import_registrations(self, registrations: Sequence[Registration]) -> list[Registration | Refusal]:
        return [self._keep(replace(each, id=each.id or self._id())) for each in registrations]

    @_fires
    def registration(self, registration_id: str) -> Registration:
        if registration_id not in self.kept:
            raise UnknownResource("registration")
        return self.kept[registration_id]

    @_fires
    def delete_registration(self, registration_id: str, if_match: str | None = None) -> None:
        if registration_id not in self.kept:
            raise UnknownResource("registration")
        self._match(self.kept[registration_id], if_match)
        del self.kept[registration_id]

    @_fires
    def registrations(self, query: RegistrationQuery) -> RegistrationPage:
        found = [each for each in self.kept.values() if _matches(each, query)]
        if query.after and not query.after.isdecimal():
            raise Invalid("continuationtoken", f"text of {len(query.after)} characters", "one of a page")
        start = int(query.after or 0)
        end = start + query.top
        return RegistrationPage(tuple(found[start:end]), str(end) if end < len(found) else "")

    @_fires
    def put_installation(self, installation: Installation) -> None:
        self.installations[installation.id] = replace(installation, updated_at=self._wall())

    @_fires
    def patch_installation(self, installation_id: str, operations: Sequence[PatchOperation]) -> None:
        changed = apply(self._installation(installation_id), operations)
        self.installations[installation_id] = replace(changed, updated_at=self._wall())

    @_fires
    def installation(self, installation_id: str) -> Installation:
        return self._installation(installation_id)

    @_fires
    def delete_installation(self, installation_id: str) -> None:
        self.installations.pop(installation_id, None)

    @_fires
    def send(self, request: SendRequest) -> Send:
        return self._accept(request)

    @_fires
    def test_send(self, request: SendRequest) -> SendTestOutcome:
        return SendTestOutcome(id=self._accept(request).id, results=())

    @_fires
    def cancel(self, send_id: str) -> bool:
        send = self._send(send_id)
        if send.state is not SendState.SCHEDULED:
            return False
        self.sent[send_id] = replace(send, state=SendState.CANCELED)
        return True

    @_fires
    def details(self, send_id: str) -> SendDetails:
        send, outcomes = self._send(send_id), self.outcomes
        has_errors = any(each.send_id == send_id for each in self.entries)
        return SendDetails(send=send, outcomes=outcomes, has_errors=has_errors)

    @_fires
    def sends(self, scheduled: bool, limit: int) -> list[Send]:
        found = [each for each in self.sent.values() if (each.state is SendState.SCHEDULED) is scheduled]
        return found[::-1][:limit]

    @_fires
    def feedback(self, send_id: str | None, day: str | None, after: int, limit: int) -> list[PnsFeedback]:
        """Of any day, as days are not told apart here."""
        found = [each for each in self.entries if each.position > after]
        return [each for each in found if send_id is None or each.send_id == send_id][:limit]

    @_fires
    def feedback_days(self) -> list[str]:
        return ["11142023"] if self.entries else []

    @_fires
    def submit_job(self, request: JobRequest) -> Job:
        now, number = self._wall(), self._id()
        job = Job(id=number, request=request, status=JobStatus.STARTED, created_at=now, updated_at=now)
        self.all_jobs[number] = job
        return job

    @_fires
    def job(self, job_id: str) -> Job:
        if job_id not in self.all_jobs:
            raise UnknownResource("job")
        return self.all_jobs[job_id]

    @_fires
    def jobs(self) -> list[Job]:
        return list(self.all_jobs.values())[::-1]

    @_fires
    def count(self, expression: str | None) -> dict[str, int]:
        """Of all, as expressions are not read here."""
        found: dict[str, int] = {}
        for each in self.kept.values():
            found[each.platform] = found.get(each.platform, 0) + 1
        return found

    @_fires
    def tags(self, after: str, limit: int) -> list[tuple[str, int]]:
        found: dict[str, int] = {}
        for each in self.kept.values():
            for tag in {tag.lower() for tag in each.tags}:
                found[tag] = found.get(tag, 0) + 1
        return [each for each in sorted(found.items()) if each[0] > after][:limit]

    def stats(self) -> dict[str, Any]:
        return {"registrations": len(self.kept), "installations": len(self.installations)}

    def _id(self) -> str:
        return f"{next(self._numbers)}-1-1"

    def _keep(self, registration: Registration) -> Registration:
        etag = str(next(self._numbers))
        kept = replace(registration, etag=etag, updated_at=self._wall())
        self.kept[kept.id] = kept
        return kept

    def _match(self, kept: Registration | None, if_match: str | None) -> None:
        if if_match is None:
            return
        if kept is None:
            raise UnknownResource("registration")
        if if_match not in ("*", kept.etag):
            raise EtagMismatch

    def _installation(self, installation_id: str) -> Installation:
        if installation_id not in self.installations:
            raise UnknownResource("installation")
        return self.installations[installation_id]

    def _accept(self, request: SendRequest) -> Send:
        self.requests.append(request)
        state = SendState.ENQUEUED if request.scheduled_for is None else SendState.SCHEDULED
        send = Send(id=self._id(), request=request, state=state, at=self._wall())
        self.sent[send.id] = send
        return send

    def _send(self, send_id: str) -> Send:
        if send_id not in self.sent:
            raise UnknownResource("notification")
        return self.sent[send_id]


def _matches(registration: Registration, query: RegistrationQuery) -> bool:
    """Whether a registration is one that is asked for."""
    if query.platform is not None and registration.platform is not query.platform:
        return False
    if query.handle is not None and registration.handle != query.handle:
        return False
    return query.tag is None or query.tag.lower() in {tag.lower() for tag in registration.tags}


def _pages(found: list[Registration], size: int = 100) -> Iterator[Sequence[Registration]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]
