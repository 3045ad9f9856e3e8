"""Statements over many rows of values at once.

Each statement costs a round trip to PostgreSQL, and in SQLite a turn of the interpreter's lock, whatever it
does: so rows go together. The numbers of rows are few different ones, since both databases keep statements
they have seen before ready.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from pushgate.database.interface import Row, Session

_FEW: Final = 16
"""Up to so many rows go in one statement whatever their number."""
_SIZES: Final = (256, _FEW)

Rows = Sequence[Sequence[Any]]


def insert(session: Session, head: str, rows: Rows, tail: str = "") -> list[Row]:
    """Run ``head VALUES (?, …), … tail``; return what the statement returns.

    :param head: ``INSERT INTO table (columns)``.
    :param tail: such as ``ON CONFLICT …``; what it has to say of two equal rows may not matter.
    """
    found: list[Row] = []
    for part in parts(rows):
        statement = _statement(head, len(part[0]), len(part), tail)
        found += session.execute(statement, [value for row in part for value in row])
    return found


def where_in(session: Session, head: str, values: Sequence[Any], tail: str = "") -> list[Row]:
    """Run ``head IN (?, …) tail``; return what the statement returns."""
    found: list[Row] = []
    for part in parts(values):
        found += session.execute(f"{head} IN ({marks(len(part))}){tail}", part)
    return found


def parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Rows in parts of few different sizes."""
    at = 0
    while at < len(rows):
        left = len(rows) - at
        size = next((size for size in _SIZES if size <= left), left)
        yield rows[at : at + size]
        at += size


@lru_cache(64)
def marks(number: int) -> str:
    """The marks of so many values."""
    return ", ".join("?" * number)


@lru_cache(256)
def _statement(head: str, width: int, number: int, tail: str) -> str:
    row = f"({marks(width)})"
    return f"{head} VALUES {', '.join([row] * number)} {tail}"
