"""JSON Patch as hubs take it: ``add``, ``remove`` and ``replace``, with values that are texts.

A text stands for what the place needs: one tag or a list of them, a whole template as JSON. What is to be
removed may be missing, and what is replaced too: a patch that is sent again does what it did.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.hub.installation import Installation
from pushgate.protocols.notification_hubs.installation_json import Document, from_document, to_document

Operation = tuple[str, str, str]
"""``add``, ``remove`` or ``replace``, the path, and the value as text."""
MAX_OPERATIONS: Final = 1000
MAX_TAGS: Final = 1000
"""Tags of one list at any time in a patch: each operation goes through all of them."""
_KINDS: Final = frozenset({"add", "remove", "replace"})
_TEXTS: Final = {"userid": "userId", "pushchannel": "pushChannel", "expirationtime": "expirationTime"}
_MAPS: Final = {
    "pushvariables": "pushVariables",
    "templates": "templates",
    "secondarytiles": "secondaryTiles",
}
_TEMPLATE_TEXTS: Final = frozenset({"body", "expiry", "priority"})
_PATH_RULE: Final = (
    "/tags, /pushChannel, /userId, /expirationTime, /pushVariables, /templates, or within them"
)
_RULE: Final = "a JSON array of operations, each with op, path and value"


class _Operation(msgspec.Struct):
    op: str
    path: str
    value: Any = None


_decode: Final = msgspec.json.Decoder(list[_Operation]).decode


def parse(body: bytes) -> list[Operation]:
    """Read a patch; values that are no texts become their JSON.

    :raises Invalid: it is none.
    """
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("body", f"{len(body)} bytes", _RULE) from None
    if len(found) > MAX_OPERATIONS:
        raise Invalid("body", f"{len(found)} operations", f"at most {MAX_OPERATIONS}")
    return [_checked(each) for each in found]


def apply(installation: Installation, operations: Sequence[Operation]) -> Installation:
    """The installation with these changes.

    :raises Invalid: a path leads nowhere, or what comes out is no installation.
    """
    document = to_document(installation)
    for kind, path, value in operations:
        _change(document, kind, [_unescaped(part) for part in path.strip("/").split("/")], value)
    return from_document(document, installation.id)


def _checked(found: _Operation) -> Operation:
    kind, value = found.op.lower(), found.value
    if kind not in _KINDS:
        raise Invalid("op", f"text of {len(found.op)} characters", "add, remove or replace")
    if not isinstance(value, str):
        value = "" if value is None else msgspec.json.encode(value).decode()
    return kind, found.path, value


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _change(document: Document, kind: str, path: list[str], value: str) -> None:
    """Change one place of a document."""
    first = path[0].lower()
    if first == "tags" and len(path) <= 2:
        _change_tags(document, kind, path[1:], value)
    elif first in _TEXTS and len(path) == 1:
        _change_text(document, kind, _TEXTS[first], value)
    elif first in _MAPS and len(path) == 1:
        _change_text(document, kind, _MAPS[first], _json(kind, first, value))
    elif first == "pushvariables" and len(path) == 2:
        _change_text(document.setdefault("pushVariables", {}), kind, path[1], value)
    elif first == "secondarytiles" and len(path) == 2:
        _change_text(document.setdefault("secondaryTiles", {}), kind, path[1], _json(kind, first, value))
    elif first == "templates":
        _change_template(document.setdefault("templates", {}), kind, path[1:], value)
    else:
        raise Invalid("path", f"{len(path)} parts", _PATH_RULE)


def _change_text(parent: Document, kind: str, name: str, value: Any) -> None:
    """Change one member of an object."""
    if kind == "remove":
        parent.pop(name, None)
    else:
        parent[name] = value


def _change_template(templates: Document, kind: str, path: list[str], value: str) -> None:
    """Change a template, or a part of it."""
    name, inside = path[0], path[1:]
    if not inside:
        _change_text(templates, kind, name, _json(kind, "templates", value))
        return
    template = templates.get(name)
    if not isinstance(template, dict):
        raise Invalid("path", "a part of a template that is not there", "add the template first")
    part = inside[0].lower()
    if part == "tags" and len(inside) <= 2:
        _change_tags(template, kind, inside[1:], value)
    elif part in _TEMPLATE_TEXTS and len(inside) == 1:
        _change_text(template, kind, part, value)
    elif part == "headers" and len(inside) == 1:
        _change_text(template, kind, part, _json(kind, part, value))
    elif part == "headers" and len(inside) == 2:
        _change_text(template.setdefault("headers", {}), kind, inside[1], value)
    else:
        raise Invalid("path", f"{len(path)} parts in a template", "body, headers, expiry, priority or tags")


def _change_tags(parent: Document, kind: str, path: list[str], value: str) -> None:
    """Change a list of tags. The one that a path names is named by itself, or by its place."""
    tags: list[str] = list(parent.get("tags") or [])
    given = _tags(value)
    if path and path[0] != "-":
        tags = _without(tags, path[0])
        given = given or [path[0]]
    elif kind == "replace" or (kind == "remove" and not given):
        tags = []
    if kind == "remove" and not path:
        dropped = {each.lower() for each in given}
        tags = [tag for tag in tags if tag.lower() not in dropped]
    elif kind != "remove":
        known = {tag.lower() for tag in tags}
        tags += [tag for tag in given if tag.lower() not in known]
    if len(tags) > MAX_TAGS:
        raise Invalid("tags", f"{len(tags)} tags", f"at most {MAX_TAGS}")
    parent["tags"] = tags


def _without(tags: list[str], named: str) -> list[str]:
    left = [tag for tag in tags if tag.lower() != named.lower()]
    if len(left) == len(tags) and named.isascii() and named.isdecimal() and len(named) < 9:
        place = int(named)
        left = tags[:place] + tags[place + 1 :]
    return left


def _tags(value: str) -> list[str]:
    """The tags of a value: a JSON array of them, or their names with commas between them."""
    if value.lstrip().startswith("["):
        found = _json("add", "tags", value)
        if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
            raise Invalid("value", "a JSON array of other than texts", "tags")
        return list(found)
    return [tag for each in value.split(",") if (tag := each.strip())]


def _json(kind: str, field: str, value: str) -> Any:
    """The value of a place that needs more than text; nothing is needed to remove it.

    :raises Invalid: it is no JSON.
    """
    if kind == "remove":
        return None
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("value", f"text of {len(value)} characters", f"JSON, as {field} needs it") from None
