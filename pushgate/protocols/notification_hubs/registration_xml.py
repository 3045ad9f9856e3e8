"""Registrations as XML: entries of Atom with a description in each, and feeds of them.

What comes in is read in any order and under any prefix. What goes out has no prefixes, and the order of the
.NET SDK's contracts.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.hub.registration import Registration, Template
from pushgate.protocols.notification_hubs.handles import BAIDU_USER, read_fields, write_fields
from pushgate.protocols.notification_hubs.platforms import ALIASES, ELEMENTS, KINDS, Kind
from pushgate.protocols.notification_hubs.times import NEVER, parse_end, written
from pushgate.protocols.notification_hubs.xml_reader import Element, read
from pushgate.protocols.notification_hubs.xml_text import cdata, escape

ATOM: Final = "http://www.w3.org/2005/Atom"
CONNECT: Final = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
ENTRY: Final = b"application/atom+xml;type=entry;charset=utf-8"
"""The content type of an entry."""
FEED: Final = b"application/atom+xml;type=feed;charset=utf-8"
MAX_NAME: Final = 200
"""Characters of a template's name at most."""
_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'
_NAMESPACE: Final = f' xmlns="{ATOM}"'
_ANY: Final = "RegistrationDescription"
_KINDS_RULE: Final = f"an element such as {KINDS[next(iter(KINDS))].element(False)}"
_VARIABLES_RULE: Final = "a JSON object of texts"
_variables: Final = msgspec.json.Decoder(dict[str, str]).decode


def read_entry(document: bytes) -> Registration:
    """Read an entry, or a description alone as import files have them.

    :raises Invalid: it is none, or a field of it is not valid.
    """
    root = read(document)
    if root.name != "entry":
        return read_description(root)
    content = root.child("content")
    if content is None or len(content.children) != 1:
        raise Invalid("content", "not one element", _KINDS_RULE)
    return read_description(content.children[0])


def read_description(element: Element) -> Registration:
    """Read the description of a registration.

    :raises Invalid: it is none, or a field of it is not valid.
    """
    name = element.name
    if name == _ANY:
        name = element.attributes.get("type", "").rpartition(":")[2]
    if name not in ELEMENTS:
        raise Invalid("content", "no registration of a known platform", _KINDS_RULE)
    kind, is_template = ELEMENTS[name]
    fields = _fields(element)
    names = (*kind.properties, *(kind.template_properties if is_template else ()), BAIDU_USER)
    expiry = fields.get("ExpirationTime")
    return Registration(
        platform=kind.platform,
        handle=read_fields(kind.platform, fields),
        tags=tuple(tag for each in fields.get("Tags", "").split(",") if (tag := each.strip())),
        template=_template(element, fields, kind) if is_template else None,
        push_variables=_push_variables(fields.get("PushVariables")),
        properties={each: text for each in names if (text := fields.get(each))},
        id=fields.get("RegistrationId", ""),
        etag=fields.get("ETag", ""),
        expires_at=parse_end("ExpirationTime", expiry) if expiry else None,
    )


def entry(registration: Registration, address: str, now: float) -> bytes:
    """An entry.

    :param address: of the registration.
    :param now: Unix seconds.
    """
    return (_DECLARATION + _entry(registration, address, now, _NAMESPACE)).encode()


def feed(registrations: Iterable[Registration], address: str, now: float) -> bytes:
    """A feed of entries.

    :param address: of the collection: an id behind it makes that of an entry.
    :param now: Unix seconds.
    """
    head = (
        f'<feed xmlns="{ATOM}"><title type="text">Registrations</title>'
        f"<id>{escape(address)}</id><updated>{written(now)}</updated>"
    )
    entries = [_entry(each, f"{address}/{each.id}", now, "") for each in registrations]
    return "".join((_DECLARATION, head, *entries, "</feed>")).encode()


def description(registration: Registration) -> str:
    """The description of a registration, in one line but for what texts have in them."""
    kind = KINDS[registration.platform]
    name = kind.element(registration.template is not None)
    inside = "".join(f"<{each}>{text}</{each}>" for each, text in _elements(registration, kind))
    return f'<{name} xmlns="{CONNECT}" xmlns:i="{INSTANCE}">{inside}</{name}>'


def _fields(element: Element) -> dict[str, str]:
    """The texts of its children by name; those that are empty are left out, as SDKs send what is not set."""
    fields: dict[str, str] = {}
    for child in element.children:
        text, name = child.text.strip(), ALIASES.get(child.name, child.name)
        if name in fields:
            raise Invalid(name, "given twice", "each element once")
        if text:
            fields[name] = text
    return fields


def _template(element: Element, fields: dict[str, str], kind: Kind) -> Template:
    body, name = fields.get("BodyTemplate"), fields.get("TemplateName", "")
    if body is None:
        raise Invalid("BodyTemplate", "missing", "it is required")
    if len(name) > MAX_NAME:
        raise Invalid("TemplateName", f"{len(name)} characters", f"at most {MAX_NAME}")
    found = element.child(kind.headers[0])
    headers = {} if found is None else dict(_headers(found))
    expiry, priority = fields.get("Expiry", ""), fields.get("Priority", "")
    return Template(body=body, name=name, headers=headers, expiry=expiry, priority=priority)


def _headers(element: Element) -> Iterator[tuple[str, str]]:
    for each in element.children:
        name, text = each.value("Header"), each.value("Value")
        if not name or text is None:
            raise Invalid(element.name, "an entry without Header or Value", "both of each")
        yield name, text


def _push_variables(text: str | None) -> dict[str, str]:
    try:
        return _variables(text) if text else {}
    except (msgspec.DecodeError, RecursionError):
        shape = f"text of {len(text or '')} characters"
        raise Invalid("PushVariables", shape, _VARIABLES_RULE) from None


def _entry(registration: Registration, address: str, now: float, namespace: str) -> str:
    return (
        f'<entry{namespace}><id>{escape(address)}</id><title type="text">{escape(registration.id)}</title>'
        f"<updated>{written(registration.updated_at or now)}</updated>"
        f'<content type="application/xml">{description(registration)}</content></entry>'
    )


def _elements(registration: Registration, kind: Kind) -> Iterator[tuple[str, str]]:
    """The elements of a description in their order, each with what is in it."""
    expiry = registration.expires_at
    yield "ETag", escape(registration.etag)
    yield "ExpirationTime", NEVER if expiry is None else written(expiry)
    yield "RegistrationId", escape(registration.id)
    if registration.tags:
        yield "Tags", escape(",".join(registration.tags))
    if registration.push_variables:
        yield "PushVariables", escape(msgspec.json.encode(registration.push_variables).decode())
    properties = registration.properties
    for name, text in write_fields(registration.platform, registration.handle, properties).items():
        yield name, escape(text)
    for name in kind.properties:
        if name in properties:
            yield name, escape(properties[name])
    if registration.template is not None:
        yield from _template_elements(registration.template, kind, properties)


def _template_elements(
    template: Template, kind: Kind, properties: dict[str, str]
) -> Iterator[tuple[str, str]]:
    yield "BodyTemplate", cdata(template.body)
    texts = {"Expiry": template.expiry, "TemplateName": template.name, "Priority": template.priority}
    for name in kind.template:
        if text := texts.get(name):
            yield name, escape(text)
        elif name == kind.headers[0] and (template.headers or kind.needs_headers):
            yield name, "".join(_header(kind.headers[1], *each) for each in template.headers.items())
    for name in kind.template_properties:
        if name in properties:
            yield name, escape(properties[name])


def _header(element: str, name: str, text: str) -> str:
    return f"<{element}><Header>{escape(name)}</Header><Value>{escape(text)}</Value></{element}>"
