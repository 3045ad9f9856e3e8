"""What callers may ask of a hub, by name: the arguments in JSON, the answer for JSON, and who may.

AMP's `CallHub` has them all, HTTP some of them, each under a path.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pushgate.inputs.common import hub_json
from pushgate.inputs.common.hub_arguments import (
    Counted,
    Entries,
    Import,
    Listed,
    NewJob,
    Nothing,
    OneId,
    Put,
    PutInstallation,
    Query,
    Recent,
)
from pushgate.inputs.common.hub_json import (
    check_id,
    details_fields,
    feedback_fields,
    job_fields,
    parse_handle,
    parse_platform,
    read_registration,
    registration_fields,
    send_fields,
)
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.common.session import Session
from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.job import JobRequest, JobType
from pushgate.model.hub.registration import Registration, RegistrationPage, RegistrationQuery
from pushgate.model.hub.send import SendRequest, SendTestOutcome
from pushgate.model.principals import Operation
from pushgate.plugin.hub_interface import IHub
from pushgate.protocols.notification_hubs.installation_json import Document, parse, to_document
from pushgate.protocols.notification_hubs.registration_xml import read_entry

MAX_PAGE: Final = 1000
"""Entries of one answer at most."""
MAX_IMPORT: Final = 1000
"""Entries of one import at most."""


class Call(msgspec.Struct, frozen=True):
    """What can be asked.

    :param operation: what the caller must be allowed.
    :param arguments: a struct, which JSON is decoded as.
    :param run: is given the hub and the arguments; returns what is answered.
    """

    operation: Operation
    arguments: type[msgspec.Struct]
    run: Callable[[IHub, Any], Awaitable[Any]]

    def read(self, data: bytes) -> Any:
        """The arguments in JSON; raise `Invalid`."""
        fields = self.arguments.__struct_fields__
        return decoded(msgspec.json.Decoder(self.arguments).decode, data, "arguments", fields)


def find_hub(hubs: Mapping[str, Any], session: Session, operation: Operation, name: str) -> IHub:
    """The hub of this name, for a caller that may do this with each of its apps.

    :raises Forbidden: the caller may not.
    :raises UnknownResource: there is no such hub.
    """
    session.permit(operation)
    hub: IHub | None = hubs.get(name)
    if hub is None:
        raise UnknownResource("hub")
    apps = hub.apps().values()
    for app in apps:
        session.permit(operation, app)
    if not apps:
        session.permit_all(operation)
    return hub


async def send(hub: IHub, request: SendRequest, test: bool = False) -> dict[str, Any]:
    """Accept a send: its id and state, and of a test send what became of it device by device."""
    if not test:
        accepted = await hub.send(request)
        return {"id": accepted.id, "state": accepted.state}
    if request.scheduled_for is not None:
        raise Invalid("schedule", "given for a test send", "a test send is sent at once")
    tested: SendTestOutcome = await hub.test_send(request)
    details = await hub.details(tested.id)
    results = hub_json.tested_fields(tested)
    return {"id": tested.id, "state": details.send.state, "results": results}


async def registrations(hub: IHub, query: Query) -> dict[str, Any]:
    """A page of registrations."""
    platform = None if query.platform is None else parse_platform(query.platform)
    if query.handle is not None and platform is None:
        raise Invalid("handle", "without a platform", "the platform too, which says how it is written")
    page: RegistrationPage = await hub.registrations(
        RegistrationQuery(
            platform=platform,
            handle=None if query.handle is None or platform is None else parse_handle(platform, query.handle),
            tag=query.tag,
            top=_limit(query.limit),
            after=query.after,
        )
    )
    return {"registrations": [*map(registration_fields, page.registrations)], "next": page.next}


async def registration(hub: IHub, one: OneId) -> dict[str, Any]:
    """The registration with this id."""
    return registration_fields(await hub.registration(one.id))


async def put_registration(hub: IHub, put: Put) -> dict[str, Any]:
    """Keep a registration: with an id in the place of an earlier one, without one under a new id."""
    return await keep(hub, read_registration(put.registration, "registration"), put.if_match)


async def keep(hub: IHub, given: Registration, if_match: str | None) -> dict[str, Any]:
    """The same of one that was read."""
    if if_match is not None:
        kept: Registration = await hub.put_registration(given, if_match)
    elif given.id:
        [found] = await hub.import_registrations([given])
        if isinstance(found, Refusal):
            raise found
        kept = found
    else:
        kept = await hub.create_registration(given)
    return registration_fields(kept)


async def delete_registration(hub: IHub, one: OneId) -> dict[str, Any]:
    """Delete a registration."""
    await hub.delete_registration(one.id, one.if_match)
    return {"deleted": True}


async def installation(hub: IHub, one: OneId) -> Document:
    """The installation with this id."""
    return to_document(await hub.installation(one.id))


async def put_installation(hub: IHub, put: PutInstallation) -> dict[str, Any]:
    """Keep an installation, in the place of an earlier one."""
    await hub.put_installation(parse(bytes(put.installation), check_id("id", put.id)))
    return {"id": put.id}


async def delete_installation(hub: IHub, one: OneId) -> dict[str, Any]:
    """Delete an installation, if there is one."""
    await hub.delete_installation(one.id)
    return {"deleted": True}


async def import_entries(hub: IHub, given: Import) -> dict[str, Any]:
    """Keep many registrations and installations; those that are refused are listed by their index."""
    if len(given.entries) > MAX_IMPORT:
        raise TooLarge("entries", len(given.entries), MAX_IMPORT, "entries")
    read = [_entry(each) for each in given.entries]
    places = [index for index, each in enumerate(read) if isinstance(each, Registration)]
    found = await hub.import_registrations([each for each in read if isinstance(each, Registration)])
    results: dict[int, Any] = {**dict(enumerate(read)), **dict(zip(places, found, strict=True))}
    for index, each in enumerate(read):
        if isinstance(each, Installation):
            results[index] = await _put(hub, each)
    refused = [(index, each.code, str(each)) for index, each in results.items() if isinstance(each, Refusal)]
    return {"imported": len(read) - len(refused), "refused": refused}


async def count(hub: IHub, counted: Counted) -> dict[str, Any]:
    """How many registrations an expression finds, by platform."""
    found = await hub.count(counted.expression or None)
    return {"platforms": found, "total": sum(found.values())}


async def tags(hub: IHub, listed: Listed) -> dict[str, Any]:
    """Tags, each with the number of its registrations."""
    found: Sequence[tuple[str, int]] = await hub.tags(listed.after, _limit(listed.limit))
    return {"tags": found, "next": found[-1][0] if len(found) == listed.limit else ""}


async def details(hub: IHub, one: OneId) -> dict[str, Any]:
    """A send and its outcomes."""
    return details_fields(await hub.details(one.id))


async def sends(hub: IHub, recent: Recent) -> dict[str, Any]:
    """Sends, without their payloads."""
    found = await hub.sends(recent.scheduled, _limit(recent.limit))
    return {"sends": [*map(send_fields, found)]}


async def cancel(hub: IHub, one: OneId) -> dict[str, Any]:
    """Cancel a scheduled send."""
    return {"cancelled": await hub.cancel(one.id)}


async def feedback(hub: IHub, entries: Entries) -> dict[str, Any]:
    """What push services said against devices."""
    found = await hub.feedback(entries.id, None, entries.after, _limit(entries.limit))
    return {"entries": [*map(feedback_fields, found)]}


async def submit_job(hub: IHub, new: NewJob) -> dict[str, Any]:
    """Begin an import or an export."""
    if new.type not in {*JobType}:
        raise Invalid("type", f"text of {len(new.type)} characters", f"one of {', '.join(JobType)}")
    request = JobRequest(type=JobType(new.type), output=new.output, input=new.input)
    return job_fields(await hub.submit_job(request))


async def job(hub: IHub, one: OneId) -> dict[str, Any]:
    """One job."""
    return job_fields(await hub.job(one.id))


async def jobs(hub: IHub, _: Nothing) -> dict[str, Any]:
    """All jobs of the last days."""
    return {"jobs": [*map(job_fields, await hub.jobs())]}


def smaller(arguments: Any) -> Any:
    """The same arguments for half as many entries; None when they cannot be fewer."""
    limit = getattr(arguments, "limit", 1)
    return replace(arguments, limit=limit // 2) if limit > 1 else None


def _limit(number: int) -> int:
    if not 1 <= number <= MAX_PAGE:
        raise Invalid("limit", "a number", f"1 to {MAX_PAGE}")
    return number


def _entry(raw: msgspec.Raw) -> Registration | Installation | Refusal:
    data = bytes(raw).strip()
    try:
        if data[:1] == b'"':
            return replace(read_entry(msgspec.json.decode(data, type=str).encode()), etag="")
        if b'"installationId"' in data:
            name = decoded(_decode_id, data, "entry").installation_id
            return parse(data, check_id("installationId", name))
        return read_registration(data, "entry")
    except Refusal as error:
        return error


class _InstallationId(msgspec.Struct, rename="camel"):
    installation_id: str


_decode_id: Final = msgspec.json.Decoder(_InstallationId).decode


async def _put(hub: IHub, given: Installation) -> Installation | Refusal:
    try:
        await hub.put_installation(given)
    except (Invalid, TooLarge) as error:  # any other fails the whole import, which can be repeated
        return error
    return given


CALLS: Final[dict[str, Call]] = {
    "registrations": Call(Operation.ADMIN, Query, registrations),
    "registration": Call(Operation.ADMIN, OneId, registration),
    "put_registration": Call(Operation.ADMIN, Put, put_registration),
    "delete_registration": Call(Operation.ADMIN, OneId, delete_registration),
    "installation": Call(Operation.ADMIN, OneId, installation),
    "put_installation": Call(Operation.ADMIN, PutInstallation, put_installation),
    "delete_installation": Call(Operation.ADMIN, OneId, delete_installation),
    "import": Call(Operation.ADMIN, Import, import_entries),
    "count": Call(Operation.READ, Counted, count),
    "tags": Call(Operation.READ, Listed, tags),
    "details": Call(Operation.READ, OneId, details),
    "sends": Call(Operation.READ, Recent, sends),
    "feedback": Call(Operation.READ, Entries, feedback),
    "cancel": Call(Operation.PUSH, OneId, cancel),
    "submit_job": Call(Operation.ADMIN, NewJob, submit_job),
    "job": Call(Operation.ADMIN, OneId, job),
    "jobs": Call(Operation.ADMIN, Nothing, jobs),
}
"""By the name that callers use."""
