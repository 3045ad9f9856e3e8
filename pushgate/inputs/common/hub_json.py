"""Registrations, sends and jobs of hubs as JSON, for inputs other than the one for Azure's SDKs."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pushgate.inputs.common.json_terms import Number, decoded
from pushgate.model.errors import Invalid
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.job import Job
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.model.hub.send import Send, SendDetails, SendRequest, SendTestOutcome
from pushgate.protocols.notification_hubs.platform_names import TARGET_NAMES, TEMPLATE, parse_format
from pushgate.protocols.notification_hubs.send_headers import PASSED_ON, passed_on

ID_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9_.:@-]{0,199}"
"""The ids that callers may choose, of registrations and of installations."""
_is_id: Final = re.compile(ID_PATTERN, re.ASCII).fullmatch
_ID_RULE: Final = "1 to 200 of A-Z a-z 0-9 _ . : @ -, the first a letter or a digit"


class TemplateFields(msgspec.Struct, forbid_unknown_fields=True):
    """See `Template`."""

    body: str
    name: str = ""
    headers: dict[str, str] = {}
    expiry: str = ""
    priority: str = ""


class RegistrationFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A registration as callers write it, see `Registration`.

    What only the hub sets, from `etag` on, is read over, so that what was listed can be written again.
    """

    platform: str
    handle: str
    id: str = ""
    tags: list[str] = []
    template: TemplateFields | None = None
    push_variables: dict[str, str] = {}
    properties: dict[str, str] = {}
    expires_at: Number | None = None
    etag: str = ""
    updated_at: Number = 0
    installation_id: str = ""


FIELDS: Final = RegistrationFields.__struct_fields__[2:]
_decode: Final = msgspec.json.Decoder(RegistrationFields).decode


def check_id(field: str, text: str) -> str:
    """Return an id that a caller chose; raise `Invalid` when it may not be one."""
    if not _is_id(text):
        raise Invalid(field, f"text of {len(text)} characters", _ID_RULE)
    return text


def parse_platform(text: str) -> Platform:
    """The platform of this name, in any case; raise `Invalid` when there is none."""
    try:
        return Platform(text.lower())
    except ValueError:
        raise Invalid(
            "platform", f"text of {len(text)} characters", f"one of {', '.join(Platform)}"
        ) from None


def parse_handle(platform: Platform, text: str) -> bytes:
    """A handle from its text, as its push service writes it; raise `Invalid` for what is none."""
    return platform.form.parse(text, field="handle")


def read_registration(data: bytes | msgspec.Raw, whole: str = "body") -> Registration:
    """Read a registration; raise `Invalid`.

    :param whole: what the JSON as a whole is called.
    """
    found: RegistrationFields = decoded(_decode, bytes(data), whole, FIELDS)
    platform = parse_platform(found.platform)
    template = found.template
    return Registration(
        platform=platform,
        handle=parse_handle(platform, found.handle),
        id=check_id("id", found.id) if found.id else "",
        tags=tuple(found.tags),
        template=None if template is None else Template(**msgspec.structs.asdict(template)),
        push_variables=found.push_variables,
        properties=found.properties,
        expires_at=found.expires_at,
    )


def registration_fields(registration: Registration) -> dict[str, Any]:
    """A registration for JSON; what is not set is left out."""
    template = registration.template
    fields: dict[str, Any] = {
        "id": registration.id,
        "platform": registration.platform,
        "handle": registration.platform.form.write(registration.handle),
        "tags": registration.tags,
        "template": None if template is None else _given(msgspec.structs.asdict(template)),
        "push_variables": registration.push_variables,
        "properties": registration.properties,
        "expires_at": registration.expires_at,
        "etag": registration.etag,
        "updated_at": registration.updated_at,
        "installation_id": registration.installation_id,
    }
    return {"id": registration.id, **_given(fields), "tags": registration.tags}


def send_request(
    form: str,
    body: bytes,
    expression: str | None = None,
    headers: Mapping[str, str] | None = None,
    schedule: Number | None = None,
) -> SendRequest:
    """A send to tags; raise `Invalid` or `TooLarge` for a format or a header that is none.

    :param form: ``apple`` and so on, or ``template``.
    :param headers: that go on to the push service.
    :param schedule: Unix seconds.
    """
    wanted = {name.lower(): value for name, value in (headers or {}).items()}
    if not all(name.startswith(PASSED_ON) for name in wanted):
        rule = f"names that begin with one of {', '.join(PASSED_ON)}"
        raise Invalid("headers", "one that goes to no push service", rule)
    return SendRequest(
        body=body,
        platform=parse_format(form, "format"),
        expression=expression or None,
        headers=passed_on(wanted),
        scheduled_for=None if schedule is None else float(schedule),
    )


def payload_of(value: msgspec.Raw) -> bytes:
    """The body of a send: a JSON object as it stands, or what a text says; raise `Invalid` for others."""
    data = bytes(value).strip()
    if data[:1] == b'"':
        return msgspec.json.decode(data, type=str).encode()
    if data[:1] not in (b"{", b"["):
        raise Invalid("payload", "neither an object nor a text", "what the push service takes, or properties")
    return data


def send_fields(send: Send) -> dict[str, Any]:
    """A send for JSON, without its payload."""
    request = send.request
    return {
        "id": send.id,
        "state": send.state,
        "format": TEMPLATE if request.platform is None else TARGET_NAMES[request.platform],
        "expression": request.expression,
        "handles": len(request.handles),
        "schedule": request.scheduled_for,
        "at": send.at,
        "started_at": send.started_at,
        "ended_at": send.ended_at,
    }


def details_fields(details: SendDetails) -> dict[str, Any]:
    """The state of a send and its outcomes, for JSON."""
    return {**send_fields(details.send), "outcomes": details.outcomes, "has_errors": details.has_errors}


def tested_fields(tested: SendTestOutcome) -> list[dict[str, Any]]:
    """What became of a test send, device by device."""
    return [
        {
            "platform": each.platform,
            "handle": each.handle,
            "registration_id": each.registration_id,
            "outcome": each.outcome,
            "succeeded": each.succeeded,
        }
        for each in tested.results
    ]


def job_fields(job: Job) -> dict[str, Any]:
    """A job for JSON."""
    return {
        "id": job.id,
        "type": job.request.type,
        "status": job.status,
        "progress": job.progress,
        "failure": job.failure,
        "output_file": job.output_file,
        "failed_file": job.failed_file,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


def feedback_fields(entry: PnsFeedback) -> dict[str, Any]:
    """What a push service said against a device, for JSON."""
    write = entry.platform.form.write
    return {
        "position": entry.position,
        "at": entry.at,
        "platform": entry.platform,
        "handle": write(entry.handle),
        "name": entry.name,
        "send_id": entry.send_id,
        "registration_id": entry.registration_id,
        "installation_id": entry.installation_id,
        "new_handle": write(entry.new_handle),
    }


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value or value == 0}
