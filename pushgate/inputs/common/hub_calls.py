"""What inputs do with a hub for callers that write JSON, beside the input for Azure's SDKs."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.registration import Registration
from pushgate.model.hub.send import SendRequest, SendTestOutcome
from pushgate.plugin.hub_interface import IHub
from pushgate.protocols.notification_hubs import installation_json, registration_json
from pushgate.protocols.notification_hubs.registration_xml import read_entry
from pushgate.protocols.notification_hubs.send_json import results_document

MAX_PAGE: Final = 1000
"""Entries of one answer at most."""
MAX_IMPORT: Final = 1000
"""Entries of one import at most."""
ID_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9_.:@-]{0,199}"
"""The ids that callers may choose, of registrations and of installations."""
_is_id: Final = re.compile(ID_PATTERN, re.ASCII).fullmatch
_ID_RULE: Final = "1 to 200 of A-Z a-z 0-9 _ . : @ -, the first a letter or a digit"


class _InstallationId(msgspec.Struct, rename="camel"):
    installation_id: str


_decode_id: Final = msgspec.json.Decoder(_InstallationId).decode
_decode_entries: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_text: Final = msgspec.json.Decoder(str).decode


def check_id(field: str, text: str) -> str:
    """Return an id that a caller chose; raise `Invalid` when it may not be one."""
    if not _is_id(text):
        raise Invalid(field, f"text of {len(text)} characters", _ID_RULE)
    return text


async def send(hub: IHub, request: SendRequest, test: bool) -> dict[str, Any]:
    """Accept a send: its `id` and `state`, and `results` of a test send, device by device.

    :raises Invalid: it is a test send for later.
    """
    if not test:
        accepted = await hub.send(request)
        return {"id": accepted.id, "state": accepted.state.value}
    if request.scheduled_for is not None:
        raise Invalid("schedule", "with test", "a test is sent at once")
    tested: SendTestOutcome = await hub.test_send(request)
    details = await hub.details(tested.id)
    return {"id": tested.id, "state": details.send.state.value, "results": results_document(tested)}


async def keep(hub: IHub, given: Registration, if_match: str | None = None) -> Registration:
    """Keep a registration: with an id in the place of an earlier one, without one under a new id.

    :param if_match: an ETag, or "*": there must be an earlier one, with this ETag.
    """
    if given.id and if_match is None:
        [found] = await hub.import_registrations([replace(given, id=check_id("id", given.id))])
        if isinstance(found, Refusal):
            raise found
        return found
    kept: Registration = await (
        hub.put_registration(given, if_match) if given.id else hub.create_registration(given)
    )
    return kept


async def import_entries(hub: IHub, data: bytes) -> tuple[int, list[tuple[int, str, str]]]:
    """Keep many registrations and installations, at once.

    Returns the number of those that are kept; and index, code and reason of each of the others.

    :param data: a JSON list of registrations, of installations, and of texts, which are registrations in XML.
    :raises Invalid: it is none.
    :raises TooLarge: it has too many.
    """
    read = [_entry(each) for each in _entries(data)]
    places = [index for index, each in enumerate(read) if isinstance(each, Registration)]
    kept: Sequence[Any] = await hub.import_registrations(
        [each for each in read if isinstance(each, Registration)]
    )
    results: dict[int, Any] = {**dict(enumerate(read)), **dict(zip(places, kept, strict=True))}
    for index, each in enumerate(read):
        if isinstance(each, Installation):
            results[index] = await _put(hub, each)
    refused = [(index, each.code, str(each)) for index, each in results.items() if isinstance(each, Refusal)]
    return len(read) - len(refused), refused


def _entries(data: bytes) -> list[msgspec.Raw]:
    try:
        found = _decode_entries(data)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("entries", f"{len(data)} bytes", "a JSON list of registrations") from None
    if len(found) > MAX_IMPORT:
        raise TooLarge("entries", len(found), MAX_IMPORT, "entries")
    return found


def _entry(raw: msgspec.Raw) -> Registration | Installation | Refusal:
    data = bytes(raw).strip()
    try:
        if data.startswith(b'"'):
            return read_entry(_decode_text(data).encode())
        if (number := _installation_id(data)) is not None:
            return installation_json.parse(data, check_id("installationId", number))
        found = registration_json.parse(data)
        return replace(found, id=check_id("id", found.id)) if found.id else found
    except Refusal as error:
        return error


def _installation_id(data: bytes) -> str | None:
    """The id of an installation; None of what is none."""
    try:
        return _decode_id(data).installation_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def _put(hub: IHub, given: Installation) -> Installation | Refusal:
    try:
        await hub.put_installation(given)
    except (Invalid, TooLarge) as error:  # any other fails the whole import, which can be repeated
        return error
    return given
