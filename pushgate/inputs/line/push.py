"""Reading lines that push: text or JSON, one line or a block of them at once."""

import re
from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pushgate.inputs.common.batching import MAX_PAYLOAD
from pushgate.inputs.common.json_terms import TERM_FIELDS, TermFields, decoded, unknown_field
from pushgate.inputs.common.schemas import given
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.notification import MAX_BATCH, Submission, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed

_INTEGERS: Final = frozenset({"expiration", "priority", "registered_at"})
_MAX_DIGITS: Final = 20
_OPTIONAL: Final = (*TERM_FIELDS, "key")
NOWHERE: Final = "-"
"""Stands in the place of the token in a line with a channel."""
_find_quoted: Final = re.compile(rb'\s"').search
_MAGIC: Final = "push_magic="
_FORM: Final = "PUSH <app> <token> [field=value]... <payload JSON>, or push_magic=S in place of the payload"


class _Fields(TermFields, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A line of JSON."""

    app: str
    payload: Raw | UnsetType = UNSET
    token: str | UnsetType = UNSET
    key: str | None = None


class _Plain(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The same without optional fields, as most lines of a bulk are."""

    app: str
    token: str
    payload: Raw


class LinePush(NamedTuple):
    """One notification, not yet checked against its app."""

    app: str
    token: bytes
    payload: bytes
    terms: Terms
    key: str | None


RulesOf = Callable[[str], NotificationRules]
"""Returns the rules of an app."""
_decode = msgspec.json.Decoder(_Fields).decode
_decode_plain = msgspec.json.Decoder(_Plain).decode_lines
_USUAL: Final = Terms()
_app, _token, _payload = attrgetter("app"), attrgetter("token"), attrgetter("payload")


def read_json(line: bytes, rules_of: RulesOf) -> LinePush:
    """The notification of a line of JSON; raise `Refusal`, naming the field at fault."""
    fields: _Fields = decoded(_decode, line, "line", _OPTIONAL)
    rules, payload = rules_of(fields.app), fields.json(fields.payload)
    target = rules.find_target(given(fields.token), fields.channel)
    return _push(fields.app, target, rules.payload_of(payload), fields.terms(), fields.key)


def read_text(rest: bytes, rules_of: RulesOf) -> LinePush:
    """The notification of a line of text, without its command; raise `Refusal`, naming the field at fault."""
    head, json = _text_parts(rest)
    try:
        words = head.decode().split()
    except UnicodeDecodeError:
        raise Invalid("line", f"{len(rest)} bytes", "UTF-8 text") from None
    if len(words) < 2 or not (json or any(word.startswith(_MAGIC) for word in words[2:])):
        raise Invalid("line", f"{len(words)} words and {'a' if json else 'no'} payload", _FORM)
    app, token, *options = words
    fields = _options(options)
    key = fields.pop("key", None)
    terms, payload = _USUAL, json.rstrip()
    if fields:
        optional = TermFields(**fields)
        terms, payload = optional.terms(), optional.json(Raw(payload) if payload else UNSET)
    broadcast = token == NOWHERE and terms.channel is not None
    rules = rules_of(app)
    target = rules.find_target(None if broadcast else token, terms.channel)
    return _push(app, target, rules.payload_of(payload), terms, key)


def _text_parts(rest: bytes) -> tuple[bytes, bytes]:
    """The words of a line of text, and its payload: from the first brace on, or the first word in quotes."""
    head, brace, tail = rest.partition(b"{")
    if b'"' in head and (quoted := _find_quoted(head)):
        start = quoted.end() - 1
        return rest[:start], rest[start:]
    return head, brace + tail


def read_bulk(block: bytes, rules_of: RulesOf) -> Submission | None:
    """The notifications of a block of lines as one submission, at a fraction of the cost of one by one.

    None unless every line is a notification for the same app, in the same form, without optional fields, and
    all tokens have the same length: then each line has to be read by itself.
    """
    columns = _json_columns(block) if block.startswith(b"{") else _text_columns(block)
    if columns is None:
        return None
    app, tokens, payloads = columns
    rules = rules_of(app)
    packed = rules.form.pack(tokens, rules.max_target)
    if packed is None:
        return None
    # The notifications of a campaign have one payload.
    shared = payloads[0] == payloads[-1] and len(set(payloads)) == 1
    try:
        if rules.text_payloads:
            payloads = list(map(rules.payload_of, payloads[:1] if shared else payloads))
        payload = payloads[0] if shared else Packed.of(payloads, 2)
    except (OverflowError, Invalid):
        return None
    return Submission(app=app, tokens=packed, payload=payload)


_Columns = tuple[str, list[str], list[bytes]] | tuple[str, list[bytes], list[bytes]]


def _json_columns(block: bytes) -> _Columns | None:
    """App, tokens in hex, and payloads."""
    try:
        lines = _decode_plain(block)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not 1 < len(lines) == block.count(b"\n") + 1 <= MAX_BATCH or len(set(map(_app, lines))) > 1:
        return None
    return lines[0].app, list(map(_token, lines)), list(map(bytes, map(_payload, lines)))


def _text_columns(block: bytes) -> _Columns | None:
    """The same, of lines that are laid out as the first of them."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
    word, _, rest = block.partition(b" ")
    app, _, rest = rest.partition(b" ")
    size = len(rest.partition(b" ")[0])
    if not (word == b"PUSH" and app and app.isascii()):
        return None
    lines = rest.split(b"\nPUSH " + app + b" ")
    if not 1 < len(lines) == block.count(b"\n") + 1 <= MAX_BATCH:
        return None
    if b"".join(_part(lines, size, size + 2)) != b" {" * len(lines):
        return None
    return app.decode(), _part(lines, 0, size), _part(lines, size + 1, None)


def _part(lines: list[bytes], start: int, end: int | None) -> list[bytes]:
    return list(map(itemgetter(slice(start, end)), lines))


def _push(app: str, target: bytes, payload: bytes, terms: Terms, key: str | None) -> LinePush:
    if len(payload) > MAX_PAYLOAD:
        raise TooLarge("payload", len(payload), MAX_PAYLOAD)
    return LinePush(app, target, payload, terms, key)


def _options(words: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise Invalid("line", "a word between token and payload without =", _FORM)
        if name not in _OPTIONAL:
            raise unknown_field(name, _OPTIONAL)
        if name in fields:
            raise Invalid(name, "given twice", "once at most")
        fields[name] = _integer(name, value) if name in _INTEGERS else value
    return fields


def _integer(name: str, digits: str) -> int:
    if not digits.isascii() or not digits.isdigit() or len(digits) > _MAX_DIGITS:
        raise Invalid(name, f"text of {len(digits)} characters", "a whole number in decimal digits")
    return int(digits)
