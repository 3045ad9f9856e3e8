"""Registrations as JSON, as operators write and move them."""

from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.protocols.notification_hubs.handles import read_channel, write_handle
from pushgate.protocols.notification_hubs.json_fault import json_fault
from pushgate.protocols.notification_hubs.platform_names import parse_platform

Document = dict[str, Any]
"""A registration as JSON has it."""
_RULE: Final = "a JSON object with platform and handle"


class _Template(msgspec.Struct, forbid_unknown_fields=True):
    body: str
    name: str = ""
    headers: dict[str, str] = {}
    expiry: str = ""
    priority: str = ""


class _Registration(msgspec.Struct, forbid_unknown_fields=True):
    """The last three are read and not used, so that what was written can be read again."""

    platform: str
    handle: Any
    id: str = ""
    tags: tuple[str, ...] = ()
    template: _Template | None = None
    push_variables: dict[str, str] = {}
    properties: dict[str, str] = {}
    expires_at: float | None = None
    etag: str = ""
    updated_at: float = 0.0
    installation: str = ""


_decode: Final = msgspec.json.Decoder(_Registration).decode


def parse(body: bytes) -> Registration:
    """Read a registration; the ETag, the time of its update and its installation are not taken.

    :raises Invalid: it is none, or a field of it is not valid.
    """
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise json_fault(error, "registration", _RULE) from None
    platform, template = parse_platform(found.platform), found.template
    return Registration(
        platform=platform,
        handle=parse_handle(platform, found.handle),
        id=found.id,
        tags=tuple(tag for each in found.tags if (tag := each.strip())),
        template=None if template is None else Template(**msgspec.structs.asdict(template)),
        push_variables=found.push_variables,
        properties=found.properties,
        expires_at=found.expires_at,
    )


def to_document(registration: Registration) -> Document:
    """A registration as `parse` reads it; what is not set is left out."""
    document: Document = {
        "id": registration.id,
        "platform": registration.platform.value,
        "handle": write_handle(registration.platform, registration.handle),
    }
    template = registration.template
    optional = {
        "tags": list(registration.tags),
        "template": None if template is None else _template(template),
        "push_variables": registration.push_variables,
        "properties": registration.properties,
        "expires_at": registration.expires_at,
        "etag": registration.etag,
        "updated_at": registration.updated_at,
        "installation": registration.installation_id,
    }
    return document | {name: each for name, each in optional.items() if each}


def _template(template: Template) -> Document:
    fields = msgspec.structs.asdict(template)
    return {name: each for name, each in fields.items() if each or name == "body"}


def parse_handle(platform: Platform, handle: Any) -> bytes:
    """The handle of a device, of a browser its subscription as an object or its text; raise `Invalid`."""
    try:
        return read_channel(platform, handle)
    except Invalid as error:
        raise Invalid("handle", error.shape, error.rule) from None
