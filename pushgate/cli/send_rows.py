"""The rows of ``pushgate send --file``: what each says, and parts of the file that are sent at once."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from pushgate.cli.row_files import check_columns, csv_rows, numbered_lines
from pushgate.model.errors import Invalid
from pushgate.model.target import MAX_TARGET, TargetForm

PART: Final = 1000
"""Notifications of a part, about. A key stands for parts of this size."""
_MAX_HEX: Final = 100
"""Bytes of a target in hex at most: Apple's device tokens."""
_TERMS: Final = ("expiration", "priority", "collapse_id", "push_type", "topic", "delivery", "registered_at")
_RULE: Final = "a JSON object, on a line"

Terms = tuple[tuple[str, Any], ...]
"""The optional arguments of a push that a row gives, and those of the command that it does not."""


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    token: str | None = None
    target: str | None = None
    tokens: list[str] | None = None
    targets: list[str] | None = None
    payload: msgspec.Raw = msgspec.Raw(b"")
    alert: str | None = None
    title: str | None = None
    subtitle: str | None = None
    badge: int | None = None
    sound: str | None = None
    expiration: int | None = None
    priority: int | None = None
    collapse_id: str | None = None
    push_type: str | None = None
    topic: str | None = None
    delivery: str | None = None
    registered_at: int | None = None


_COLUMNS: Final = tuple(name for name in _Row.__struct_fields__ if name not in {"tokens", "targets"})
_decode: Final = msgspec.json.Decoder(_Row).decode


class Member(msgspec.Struct, frozen=True, gc=False):
    """One notification of a row."""

    line: int
    target: bytes
    payload: bytes


class Part(msgspec.Struct):
    """About a thousand notifications.

    :ivar groups: those on the same terms, in the order in which the terms come first.
    :ivar bad: lines of which nothing is sent, and why.
    """

    first: int
    last: int
    groups: dict[Terms, list[Member]]
    bad: list[tuple[int, str]]


class RowReader:
    """Reads rows.

    :param form: how the app writes targets; None where that is not known: then tokens are in hex, and
        targets are text.
    :param payload: of a row that has none.
    :param terms: of a row that has none of its own.
    """

    def __init__(self, form: TargetForm | None, payload: bytes | None, terms: dict[str, Any]) -> None:
        self._form, self._payload, self._terms = form, payload, terms

    def parts(self, lines: Iterable[str], table: bool) -> Iterator[Part]:
        """The file, a part at a time; equal files are cut equally.

        :param table: it is CSV.
        :raises Invalid: the first row of a table does not name its columns.
        """
        part, size = Part(0, 0, {}, []), 0
        for line, row in _table(lines) if table else _lines(lines):
            part.first, part.last = part.first or line, line
            try:
                terms, members = self._read(line, row)
            except Invalid as fault:
                part.bad.append((line, str(fault)))
                size += 1
            else:
                part.groups.setdefault(terms, []).extend(members)
                size += len(members)
            if size >= PART:
                yield part
                part, size = Part(0, 0, {}, []), 0
        if size:
            yield part

    def _read(self, line: int, row: _Row | Invalid) -> tuple[Terms, list[Member]]:
        if isinstance(row, Invalid):
            raise row
        targets, payload = self._targets(row), self._body(row)
        own = {name: value for name in _TERMS if (value := getattr(row, name)) is not None}
        return tuple(sorted((self._terms | own).items())), [Member(line, each, payload) for each in targets]

    def _targets(self, row: _Row) -> list[bytes]:
        hexed, text = self._form or TargetForm.HEX, self._form or TargetForm.TEXT
        named = [
            (name, form, texts)
            for name, form, texts in (
                ("token", hexed, row.token), ("target", text, row.target),
                ("tokens", hexed, row.tokens), ("targets", text, row.targets),
            )
            if texts
        ]  # fmt: skip
        if len(named) != 1:
            raise Invalid("token", f"{len(named)} of them", "one of token, target, tokens and targets")
        [(name, form, texts)] = named
        limit = _MAX_HEX if form is TargetForm.HEX else MAX_TARGET
        return [form.parse(each, limit, name) for each in ([texts] if isinstance(texts, str) else texts)]

    def _body(self, row: _Row) -> bytes:
        """The payload of a row; else what its fields make for Apple; else the one for all rows."""
        raw, made = bytes(row.payload), _aps(row)
        if raw and made:
            raise Invalid("payload", "beside alert, title, subtitle, badge or sound", "one or the other")
        if raw.startswith(b'"'):
            return _utf8(msgspec.json.decode(raw, type=str))
        body = raw or (msgspec.json.encode({"aps": made}) if made else self._payload)
        if not body:
            raise Invalid("payload", "none", "payload or alert, in the row or as an option")
        return body


def _aps(row: _Row) -> dict[str, Any]:
    """Apple's payload of a row's fields; the same as ``--alert`` makes where there is an alert alone."""
    alert: Any = row.alert
    if row.title is not None or row.subtitle is not None:
        parts = {"title": row.title, "subtitle": row.subtitle, "body": row.alert}
        alert = {name: text for name, text in parts.items() if text is not None}
    made = {"alert": alert, "badge": row.badge, "sound": row.sound}
    return {name: value for name, value in made.items() if value is not None}


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Invalid("payload", "a text with half a surrogate pair", "UTF-8") from None


def _lines(lines: Iterable[str]) -> Iterator[tuple[int, _Row | Invalid]]:
    for number, text in numbered_lines(lines):
        try:
            yield number, _decode(text)
        except msgspec.ValidationError as error:
            yield number, Invalid("row", _shape(error), _RULE)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            yield number, Invalid("row", f"text of {len(text)} characters", _RULE)


def _table(lines: Iterable[str]) -> Iterator[tuple[int, _Row | Invalid]]:
    for number, cells in csv_rows(lines, _check_columns):
        yield number, cells if isinstance(cells, Invalid) else _of_cells(cells)


def _check_columns(columns: list[str]) -> None:
    check_columns(columns, _COLUMNS, lambda names: not names.isdisjoint({"token", "target"}))


def _of_cells(cells: dict[str, str]) -> _Row | Invalid:
    payload = cells.pop("payload", None)
    try:
        row = msgspec.convert(cells, _Row, strict=False)
        if payload is not None:
            row.payload = msgspec.Raw(_utf8(payload.strip()))
    except msgspec.ValidationError as error:
        return Invalid("row", _shape(error), "a number where the column has numbers")
    except Invalid as fault:
        return fault
    return row


def _shape(error: msgspec.ValidationError) -> str:
    """What a row has that it must not; msgspec names fields and types there, and no value."""
    return str(error)[:1].lower() + str(error)[1:].replace(" - at `$.", " in `")
