"""What commands print: tables for people on a terminal, plain lines and JSON for programs."""

import errno
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

import click
import msgspec

_WRITING: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """A table on a terminal; elsewhere one line a row, its fields separated by tabs.

    :param numbers: the columns whose fields are.
    """
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        # Folded, because a path cut short is of no use.
        table.add_column(column, overflow="fold", justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*(Text(field) for field in row))
    Console().print(table)


def local_time(seconds: float) -> str:
    """A time in Unix seconds as a date and time of this machine's zone, as commands print all of theirs."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def print_json(value: object) -> None:
    """`value` as JSON, indented."""
    click.echo(_escaped(json.dumps(value, indent=2, ensure_ascii=False)))


def print_json_line(value: object) -> None:
    """`value` as JSON on a line: a piece of a stream.

    :param value: what msgspec encodes.
    """
    click.echo(_escaped(msgspec.json.encode(value).decode()))


def _escaped(text: str) -> str:
    """JSON that a terminal shows and does not obey: a gateway, or a push service, chose the words in it."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else json.dumps(each).strip('"') for each in text
    )


def fail(faults: Iterable[str]) -> NoReturn:
    """End the command with exit status 1 and one line on stderr for each fault."""
    for fault in faults:
        click.echo(fault, err=True)
    raise SystemExit(1)


def is_output(error: OSError) -> bool:
    """Return True if this is how writing to a pipe or a full disk fails, not opening or reading a file."""
    return error.filename is None and error.errno in _WRITING


def output_lost(error: OSError) -> NoReturn:
    """End the command because what it prints cannot be written."""
    # What is still in the buffer would fail once more at the end, with a traceback of Python's own.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):  # then the reader of the output has seen enough
        click.echo(f"the output cannot be written: {error.strerror}", err=True)
    raise SystemExit(1) from None


def drop_log() -> None:
    """Let nothing that is logged reach the terminal: the command says by itself what matters.

    Twisted would print a traceback for each plug-in that cannot be imported.
    """
    from twisted.logger import globalLogBeginner

    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
