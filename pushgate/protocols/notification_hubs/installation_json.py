"""Installations as JSON."""

from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.hub.installation import Installation, InstallationTemplate
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template
from pushgate.protocols.notification_hubs.handles import read_channel
from pushgate.protocols.notification_hubs.json_fault import json_fault
from pushgate.protocols.notification_hubs.platform_names import parse_platform
from pushgate.protocols.notification_hubs.times import NEVER, parse_end, written

MAX_ID: Final = 200
"""Characters of an installation's id at most."""
_PLATFORM_NAMES: Final = {platform: platform.value for platform in Platform} | {Platform.FCMV1: "fcmV1"}
_RULE: Final = "a JSON object with installationId, platform and pushChannel"

Document = dict[str, Any]
"""An installation as JSON has it."""


class _Template(msgspec.Struct):
    body: str
    headers: dict[str, str] | None = None
    expiry: str | None = None
    priority: str | None = None
    tags: list[str] | None = None


class _Installation(msgspec.Struct, rename="camel"):
    platform: str
    push_channel: Any
    installation_id: str | None = None
    user_id: str | None = None
    tags: list[str] | None = None
    push_variables: dict[str, str] | None = None
    templates: dict[str, _Template] | None = None
    secondary_tiles: dict[str, Any] | None = None
    expiration_time: str | None = None


_decode: Final = msgspec.json.Decoder(_Installation).decode


def parse(body: bytes, installation_id: str) -> Installation:
    """Read an installation.

    :param installation_id: of the path.
    :raises Invalid: it is none, or a field of it is not valid.
    """
    try:
        return _installation(_decode(body), installation_id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise json_fault(error, "body", _RULE) from None


def from_document(document: Document, installation_id: str) -> Installation:
    """The installation of a document that was changed.

    :raises Invalid: it is none any more.
    """
    try:
        return _installation(msgspec.convert(document, _Installation), installation_id)
    except msgspec.ValidationError as error:
        raise json_fault(error, "body", _RULE) from None


def to_document(installation: Installation) -> Document:
    """An installation as JSON has it; what is not set is left out."""
    expiry = installation.expires_at
    document: Document = {
        "installationId": installation.id,
        "platform": _PLATFORM_NAMES[installation.platform],
        "pushChannel": _channel(installation),
        "pushChannelExpired": installation.push_channel_expired,
        "expirationTime": NEVER if expiry is None else written(expiry),
        "lastUpdate": written(installation.updated_at),
        "tags": list(installation.tags),
    }
    if installation.user_id:
        document["userId"] = installation.user_id
    if installation.push_variables:
        document["pushVariables"] = dict(installation.push_variables)
    if installation.templates:
        document["templates"] = {name: _template(each) for name, each in installation.templates.items()}
    if installation.secondary_tiles:
        document["secondaryTiles"] = msgspec.json.decode(installation.secondary_tiles)
    return document


def encode(installation: Installation) -> bytes:
    """An installation as JSON."""
    return msgspec.json.encode(to_document(installation))


def _installation(found: _Installation, installation_id: str) -> Installation:
    if found.installation_id not in (None, "", installation_id):
        raise Invalid("installationId", "another one than in the path", "the same")
    if not 1 <= len(installation_id) <= MAX_ID or not installation_id.isprintable():
        shape = f"text of {len(installation_id)} characters"
        raise Invalid("installationId", shape, f"1 to {MAX_ID} characters")
    platform = parse_platform(found.platform)
    tiles, channel, browser = found.secondary_tiles, found.push_channel, platform is Platform.BROWSER
    handle = read_channel(platform, channel)
    return Installation(
        id=installation_id,
        platform=platform,
        push_channel=msgspec.json.encode(channel).decode() if browser else channel.strip(),
        handle=handle,
        user_id=found.user_id or "",
        tags=_tags(found.tags),
        templates={name: _read_template(name, each) for name, each in (found.templates or {}).items()},
        push_variables=found.push_variables or {},
        secondary_tiles=msgspec.json.encode(tiles).decode() if tiles else "",
        expires_at=parse_end("expirationTime", found.expiration_time) if found.expiration_time else None,
    )


def _tags(tags: list[str] | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in tags or ())


def _read_template(name: str, found: _Template) -> InstallationTemplate:
    template = Template(
        body=found.body,
        name=name,
        headers=found.headers or {},
        expiry=found.expiry or "",
        priority=found.priority or "",
    )
    return InstallationTemplate(template=template, tags=_tags(found.tags))


def _template(found: InstallationTemplate) -> Document:
    template = found.template
    optional = {
        "headers": dict(template.headers),
        "expiry": template.expiry,
        "priority": template.priority,
        "tags": list(found.tags),
    }
    return {"body": template.body} | {name: each for name, each in optional.items() if each}


def _channel(installation: Installation) -> Any:
    text = installation.push_channel
    return msgspec.json.decode(text) if installation.platform is Platform.BROWSER else text
