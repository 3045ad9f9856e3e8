"""Registrations in files: a JSON object a line, or the rows of a table in CSV."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, TextIO

from pushgate.cli.row_files import check_columns, csv_rows, numbered_lines
from pushgate.model.errors import Invalid

COLUMNS: Final = (
    "id", "platform", "handle", "tags", "template", "push_variables", "properties", "expires_at", "etag",
    "updated_at", "installation",
)  # fmt: skip
"""The columns of a table, in its first row; one that is read may lack all but platform and handle."""
_JSON: Final = frozenset({"template", "push_variables", "properties", "expires_at", "updated_at"})
_RULE: Final = "a registration as JSON, on a line"

Registration = dict[str, Any]
Row = tuple[int, Registration | str | Invalid]
"""The number of a line, and the registration in it, or its XML, or what is wrong with it."""


def read_lines(lines: Iterable[str]) -> Iterator[Row]:
    """The registrations of lines in JSON, or in XML as Azure exports them; blank ones are passed over."""
    for number, found in numbered_lines(lines):
        yield number, found if found.startswith("<") else _object(found)


def read_table(lines: Iterable[str]) -> Iterator[Row]:
    """The registrations of a table.

    :raises Invalid: its first row does not name the columns.
    """
    for number, cells in csv_rows(lines, _check_columns):
        yield number, cells if isinstance(cells, Invalid) else _registration(cells)


def write_line(registration: Registration) -> str:
    """A registration as a line that `read_lines` reads."""
    return json.dumps(registration, ensure_ascii=False, separators=(",", ":"))


class TableWriter:
    """Writes a table that `read_table` reads."""

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def write(self, registration: Registration) -> None:
        """Write a row."""
        self._rows.writerow([_cell(name, registration.get(name)) for name in COLUMNS])


def _object(text: str) -> Registration | Invalid:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Invalid("registration", f"text of {len(text.rstrip())} characters", _RULE)
    return found if isinstance(found, dict) else Invalid("registration", "no object", _RULE)


def _check_columns(columns: list[str]) -> None:
    check_columns(columns, COLUMNS, lambda names: names >= {"platform", "handle"})


def _registration(cells: dict[str, str]) -> Registration | Invalid:
    found: Registration = {}
    for name, text in cells.items():
        try:
            found[name] = _value(name, text)
        except (ValueError, RecursionError):
            return Invalid(name, f"text of {len(text)} characters", "JSON")
    return found


def _value(name: str, text: str) -> Any:
    if name == "tags":
        return [tag for each in text.split(",") if (tag := each.strip())]
    return json.loads(text) if name in _JSON else text


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "tags":
        return ",".join(value)
    return json.dumps(value, ensure_ascii=False) if name in _JSON else str(value)
