"""Hubs over AMP: sends to tags, what became of them, and registrations."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from pushgate.inputs.amp.request import AmpRequest, LaterCommand
from pushgate.inputs.common import hub_calls
from pushgate.inputs.common.hubs import permitted_hub
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.job import Job
from pushgate.model.hub.registration import RegistrationPage, RegistrationQuery
from pushgate.model.hub.send import Send, SendRequest
from pushgate.model.principals import Operation
from pushgate.plugin.hub_interface import IHub
from pushgate.protocols.amp import hub_commands
from pushgate.protocols.amp.boxes import Box
from pushgate.protocols.amp.commands import MAX_VALUE
from pushgate.protocols.notification_hubs import installation_json, registration_json
from pushgate.protocols.notification_hubs.platform_names import parse_format
from pushgate.protocols.notification_hubs.send_json import (
    details_document,
    error_document,
    job_document,
    read_headers,
    send_document,
)

PAGE: Final = 100
"""Entries of one answer to `HubQuery` at most."""


async def send(
    request: AmpRequest,
    hub: str,
    format: str,  # noqa: A002 - the contract's word
    expression: str | None,
    payload: bytes,
    headers: str | None,
    schedule: int | None,
    test: bool | None,
) -> Box:
    """The answer to `SendToTags`."""
    found = _hub(request, hub, Operation.PUSH)
    wanted = SendRequest(
        body=payload,
        platform=parse_format(format, "format"),
        expression=(expression or "").strip() or None,
        headers=read_headers(headers),
        scheduled_for=None if schedule is None else float(schedule),
    )
    request.connection.session.charge(1)
    sent = await hub_calls.send(found, wanted, bool(test))
    box = {b"id": sent["id"].encode(), b"state": sent["state"].encode()}
    return {**box, b"results": msgspec.json.encode(sent["results"])} if test else box


async def cancel(request: AmpRequest, hub: str, id: str) -> Box:  # noqa: A002 - the contract's word
    """The answer to `CancelSend`."""
    done: bool = await _hub(request, hub, Operation.PUSH).cancel(id)
    return {b"cancelled": b"True" if done else b"False"}


async def query(request: AmpRequest, hub: str, what: str, argument: str | None) -> Box:
    """The answer to `HubQuery`."""
    if what not in QUERIES:
        raise Invalid("what", f"text of {len(what)} characters", f"one of {', '.join(QUERIES)}")
    operation, find = QUERIES[what]
    found = _hub(request, hub, operation)
    limit = PAGE
    while True:
        answer = msgspec.json.encode(await find(found, argument, limit))
        if len(answer) <= MAX_VALUE:
            return {b"answer": answer}
        if limit == 1 or what not in _PAGED:
            raise TooLarge(what, len(answer), MAX_VALUE)
        limit //= 2


async def put_registration(request: AmpRequest, hub: str, registration: bytes) -> Box:
    """The answer to `PutRegistration`."""
    found = _hub(request, hub, Operation.ADMIN)
    kept = await hub_calls.keep(found, registration_json.parse(registration))
    return {b"id": kept.id.encode()}


async def import_registrations(request: AmpRequest, hub: str, entries: bytes) -> Box:
    """The answer to `ImportRegistrations`."""
    imported, refused = await hub_calls.import_entries(_hub(request, hub, Operation.ADMIN), entries)
    answer = msgspec.json.encode(refused)
    if len(answer) > MAX_VALUE:
        answer = msgspec.json.encode([(index, code, "") for index, code, _ in refused])
    return {b"imported": b"%d" % imported, b"refused": answer}


async def delete_registration(request: AmpRequest, hub: str, id: str) -> Box:  # noqa: A002 - the contract's word
    """The answer to `DeleteRegistration`."""
    await _hub(request, hub, Operation.ADMIN).delete_registration(id)
    return {b"deleted": b"True"}


def _hub(request: AmpRequest, name: str, operation: Operation) -> IHub:
    return permitted_hub(request.connection.session, request.connection.server.hubs, name, operation)


async def _details(hub: IHub, argument: str | None, _: int) -> Any:
    return details_document(await hub.details(_needed(argument)))


async def _count(hub: IHub, argument: str | None, _: int) -> Any:
    return await hub.count((argument or "").strip() or None)


async def _tags(hub: IHub, argument: str | None, limit: int) -> Any:
    found: list[tuple[str, int]] = await hub.tags(argument or "", limit + 1)
    return {"tags": found[:limit], "more": len(found) > limit}


async def _sends(hub: IHub, argument: str | None, limit: int) -> Any:
    if argument not in (None, "", "latest", "scheduled"):
        raise Invalid("argument", f"text of {len(argument)} characters", "latest or scheduled")
    found: list[Send] = await hub.sends(argument == "scheduled", limit)
    return {"sends": [send_document(each) for each in found]}


async def _registration(hub: IHub, argument: str | None, _: int) -> Any:
    return registration_json.to_document(await hub.registration(_needed(argument)))


async def _installation(hub: IHub, argument: str | None, _: int) -> Any:
    return installation_json.to_document(await hub.installation(_needed(argument)))


async def _errors(hub: IHub, argument: str | None, limit: int) -> Any:
    found: list[PnsFeedback] = await hub.feedback(_needed(argument), None, 0, limit)
    return {"errors": [error_document(each) for each in found]}


async def _jobs(hub: IHub, _: str | None, limit: int) -> Any:
    found: list[Job] = await hub.jobs()
    return {"jobs": [job_document(each) for each in found[:limit]]}


async def _registrations(hub: IHub, argument: str | None, limit: int) -> Any:
    page: RegistrationPage = await hub.registrations(RegistrationQuery(top=limit, after=argument or ""))
    found = [registration_json.to_document(each) for each in page.registrations]
    return {"registrations": found, "next": page.next}


def _needed(argument: str | None) -> str:
    if not argument:
        raise Invalid("argument", "missing or empty", "an id")
    return argument


QUERIES: Final[dict[str, tuple[Operation, Callable[[IHub, str | None, int], Awaitable[Any]]]]] = {
    "details": (Operation.READ, _details),
    "count": (Operation.READ, _count),
    "tags": (Operation.READ, _tags),
    "sends": (Operation.READ, _sends),
    "errors": (Operation.READ, _errors),
    "jobs": (Operation.ADMIN, _jobs),
    "installation": (Operation.ADMIN, _installation),
    "registration": (Operation.ADMIN, _registration),
    "registrations": (Operation.ADMIN, _registrations),
}
"""What `HubQuery` is asked for, with the operation that it needs."""
_PAGED: Final = frozenset({"tags", "sends", "errors", "jobs", "registrations"})
COMMANDS: Final[tuple[LaterCommand, ...]] = (
    (hub_commands.SendToTags, Operation.PUSH, send),
    (hub_commands.CancelSend, Operation.PUSH, cancel),
    (hub_commands.HubQuery, Operation.READ, query),
    (hub_commands.PutRegistration, Operation.ADMIN, put_registration),
    (hub_commands.ImportRegistrations, Operation.ADMIN, import_registrations),
    (hub_commands.DeleteRegistration, Operation.ADMIN, delete_registration),
)
