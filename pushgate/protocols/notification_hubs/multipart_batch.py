"""The body of a direct send to many devices: a ``multipart/mixed`` of a notification and of handles.

SDKs and documents disagree with RFC 2046 and JSON: there are blanks round the ``=`` of the boundary, nothing
behind the last boundary, line ends without CR, headers in any order and case, and arrays of texts in single
quotes. All of that is taken.
"""

import re
from typing import Final

import msgspec

from pushgate.model.errors import Invalid, TooLarge
from pushgate.protocols.notification_hubs.handles import browser_handle

MAX_PARTS: Final = 8
"""Parts that are looked at; two are needed."""
MAX_PART_HEAD: Final = 4096
"""Bytes of the headers of a part."""
_CONTENT: Final = "Content-Type"
_RULE: Final = 'multipart/mixed; boundary="…" with the parts "notification" and "devices"'
_DEVICES_RULE: Final = "a JSON array of handles, each a text of at least one character"
_BOUNDARY: Final = re.compile(r';\s*boundary\s*=\s*(?:"([^"]+)"|\'([^\']+)\'|([^\s;"]+))', re.IGNORECASE)
_MULTIPART: Final = re.compile(r"\s*multipart/[a-z]+\s*(?:;.*)?", re.IGNORECASE | re.DOTALL).fullmatch
_HEAD_END: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_NAME: Final = re.compile(
    rb"^content-disposition[ \t]*:[^\r\n]*?;[ \t]*name[ \t]*=[ \t]*[\"']?(\w+)", re.IGNORECASE | re.MULTILINE
)
_SINGLE: Final = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\s*(,|\])", re.DOTALL).match
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class _Browser(msgspec.Struct, frozen=True):
    """A browser's subscription as SDKs have it, flat."""

    endpoint: str
    p256dh: str
    auth: str

    def text(self) -> str:
        """The handle that it makes."""
        return browser_handle(self.endpoint, self.p256dh, self.auth, "devices").decode()


class DirectBatch(msgspec.Struct, frozen=True):
    """What such a body has.

    :param body: of the notification, as it stands there.
    :param handles: as texts; of a browser its subscription in JSON.
    """

    body: bytes
    handles: tuple[str, ...]


_decode: Final = msgspec.json.Decoder(list[str | _Browser]).decode


def parse_batch(content_type: str, data: bytes, limit: int) -> DirectBatch:
    """Read a body.

    :param content_type: the header of the request.
    :param limit: handles at most.
    :raises Invalid: it has another form.
    :raises TooLarge: there are more handles.
    """
    parts = _named(_split(_boundary(content_type), data))
    if "notification" not in parts or "devices" not in parts:
        raise Invalid("body", f"{len(parts)} parts that have names", _RULE)
    handles = parse_handles(parts["devices"])
    if len(handles) > limit:
        raise TooLarge("devices", len(handles), limit, "handles")
    return DirectBatch(parts["notification"], handles)


def parse_handles(data: bytes) -> tuple[str, ...]:
    """Read the array of handles.

    :raises Invalid: it is none, or has an empty text in it, or nothing at all.
    """
    try:
        found: list[str | _Browser] = _decode(data.strip())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = list(_quoted(data))
    handles = tuple(each if isinstance(each, str) else each.text() for each in found)
    if not handles or not all(handles):
        raise Invalid("devices", f"{len(handles)} handles, some of them empty or none", _DEVICES_RULE)
    return handles


def _quoted(data: bytes) -> list[str]:
    """The same of an array whose texts are in single quotes."""
    text = data.decode("utf-8", "replace").strip()
    found: list[str] = []
    at = 1 if text.startswith("[") and "\ufffd" not in text else len(text)
    while match := _SINGLE(text, at):
        found.append(_ESCAPED.sub(r"\1", match[1] if match[1] is not None else match[2]))
        at = match.end()
        if match[3] == "]" and at == len(text):
            return found
        if match[3] == "]":
            break
    raise Invalid("devices", f"text of {len(text)} characters", _DEVICES_RULE)


def _boundary(content_type: str) -> bytes:
    match = _BOUNDARY.search(content_type) if _MULTIPART(content_type) else None
    if match is None:
        raise Invalid(_CONTENT, f"text of {len(content_type)} characters", _RULE)
    return (match[1] or match[2] or match[3]).strip().encode("utf-8", "replace")


def _split(boundary: bytes, data: bytes) -> list[bytes]:
    """What stands between the boundaries, without the line ends that belong to them."""
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    parts: list[bytes] = []
    begin = None
    for match in line.finditer(data):
        if begin is not None:
            parts.append(data[begin : match.start()])
        begin = match.end()
        if match[1] or len(parts) == MAX_PARTS:
            return parts
    if begin is not None:  # the last boundary is missing
        parts.append(data[begin:])
    return parts


def _named(parts: list[bytes]) -> dict[str, bytes]:
    """The bodies of parts by their names, in lower case; those without a name are left out."""
    found: dict[str, bytes] = {}
    for part in parts:
        end = _HEAD_END.search(part, 0, MAX_PART_HEAD)
        name = _NAME.search(part, 0, end.start()) if end else None
        if end and name:
            found[name[1].decode("ascii", "replace").lower()] = part[end.end() :]
    return found
