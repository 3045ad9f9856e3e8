"""Files with a row for each thing: what commands that read such files share."""

import csv
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, TextIO

import click

from pushgate.cli.output import fail, print_json
from pushgate.model.errors import Invalid

_SHOWN: Final = 20
"""Bad lines that are listed one by one."""


def numbered_lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The lines that have anything, with their numbers, without the white space around it."""
    for number, text in enumerate(lines, 1):
        found = text.strip("\ufeff \t\r\n")
        if found:
            yield number, found


def csv_rows(
    lines: Iterable[str], check: Callable[[list[str]], None]
) -> Iterator[tuple[int, dict[str, str] | Invalid]]:
    """The rows of a table in CSV by the names in its first one, cells that are blank left out.

    :param check: is given the names of the columns, and raises `Invalid` when they are not good.
    """
    rows = csv.reader(lines, strict=True)
    columns = [name.strip("\ufeff ").lower() for name in next(rows, [])]
    check(columns)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.line_num, Invalid("line", str(error), "a row in CSV")
            continue
        if row:
            yield rows.line_num, _cells(columns, row)


def check_columns(
    columns: Sequence[str], known: Sequence[str], needed: Callable[[AbstractSet[str]], bool]
) -> None:
    """Check the names in the first row of a table.

    A row that should have been there may be missing, so the cells, which may be tokens then, are not shown.

    :param needed: is given the names that there are, and returns True if they suffice.
    :raises Invalid: with the place of the first column that is not known, or that is there twice.
    """
    rule = f"names of columns: {', '.join(known)}"
    if not columns:
        raise Invalid("line 1", "empty", rule)
    for place, name in enumerate(columns, 1):
        if name not in known:
            raise Invalid(f"line 1, column {place}", f"{len(name)} characters, no known name", rule)
        if name in columns[: place - 1]:
            raise Invalid(f"line 1, column {place}", f"{name}, for the second time", "once")
    if not needed(set(columns)):
        raise Invalid("line 1", f"{', '.join(columns)}; a column that is needed is missing", rule)


def _cells(columns: list[str], row: list[str]) -> dict[str, str] | Invalid:
    if len(row) != len(columns):
        return Invalid("line", f"{len(row)} columns", f"{len(columns)}, as in the first line")
    return {name: text for name, text in zip(columns, row, strict=True) if text.strip()}


class CountedLines:
    """The lines of a file, and how many bytes they have."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._bytes = file, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self._bytes += len(line.encode("utf-8", "replace"))
            yield line

    def taken(self) -> int:
        """Bytes since the last call."""
        taken, self._bytes = self._bytes, 0
        return taken


def size_of(file: TextIO) -> int:
    """The bytes of a file; 0 of a pipe."""
    found = os.fstat(file.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


class BadLines:
    """The lines of a file of which nothing came, by number.

    :param tell: is given each as a line of text when it is found; without it they are in the report.
    :ivar count: how many there are.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.count = 0
        self._tell = tell
        self._first: list[tuple[int, str]] = []

    def refuse(self, line: int, reason: str) -> None:
        """Note a bad line."""
        self.refuse_all([line], reason)

    def refuse_all(self, lines: Sequence[int], reason: str) -> None:
        """Note lines, in their order, that one refusal is about; `tell` is given one line of text for all."""
        self.count += len(lines)
        self._first += [(line, reason) for line in lines[: max(0, _SHOWN - len(self._first))]]
        if self._tell is not None and lines:
            where = (
                f"line {lines[0]}" if len(lines) == 1 else f"{len(lines):,} lines, {lines[0]} to {lines[-1]}"
            )
            self._tell(f"{where}: {reason}")

    def report(self, figures: dict[str, Any], sentence: str, as_json: bool) -> None:
        """Print what was done, then what was not; end the command when there was such."""
        faults = sorted(self._first)
        if as_json:
            print_json({**figures, "refused": self.count, "faults": faults})
        else:
            click.echo(sentence)
        shown = [] if self._tell is not None else [f"line {line}: {reason}" for line, reason in faults]
        if shown and self.count > len(shown):
            shown.append(f"and {self.count - len(shown):,} more")
        if self.count:
            left_out = "1 bad line was" if self.count == 1 else f"{self.count:,} bad lines were"
            fail([*shown, f"{left_out} left out"])
