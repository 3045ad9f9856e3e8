"""Registrations, as their rows have them."""

from typing import Final

import msgspec

from pushgate.database.interface import Row
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template

SELECT: Final = (
    "SELECT registration.number, registration.device, registration.id, registration.platform, device.handle,"
    " registration.tags, registration.document, registration.etag, registration.expires_at,"
    " registration.updated_at, registration.installation_id"
    " FROM registration JOIN device ON device.number = registration.device"
)
"""What `stored` reads. A condition or an order follows."""
_PLATFORMS: Final = {str(platform): platform for platform in Platform}


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the column ``document`` has, as JSON."""

    template: Template | None = None
    push_variables: dict[str, str] = {}
    properties: dict[str, str] = {}


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A registration with the numbers of its row and of its device."""

    number: int
    device: int
    registration: Registration


read_document: Final = msgspec.json.Decoder(Document).decode
_write: Final = msgspec.json.Encoder().encode
_NOTHING: Final = b"{}"
_EMPTY: Final = Document()


def next_etag(old: Registration | None) -> str:
    """The ETag of what takes the place of a registration; None: of a new one.

    Each change has another one, so that a device that has read the earlier one does not undo the change.
    """
    return "1" if old is None else str(int(old.etag) + 1)


def stored(row: Row) -> Stored:
    """What a row of `SELECT` says."""
    number, device, name, platform, handle, tags, body, etag, expires_at, updated_at, installation_id = row
    document = _EMPTY if body == _NOTHING else read_document(body)
    return Stored(
        number,
        device,
        Registration(
            platform=_PLATFORMS[platform],
            handle=handle,
            tags=tuple(tags.split(",")) if tags else (),
            template=document.template,
            push_variables=document.push_variables,
            properties=document.properties,
            id=name,
            etag=etag,
            expires_at=expires_at,
            updated_at=updated_at,
            installation_id=installation_id,
        ),
    )


def document(registration: Registration) -> bytes:
    """The column ``document`` of a registration."""
    if registration.template is None and not registration.push_variables and not registration.properties:
        return _NOTHING
    return _write(
        Document(
            template=registration.template,
            push_variables=registration.push_variables,
            properties=registration.properties,
        )
    )
