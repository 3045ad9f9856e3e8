"""The output of `status`: one screen of 80 columns, without colours in a pipe."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import click
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pushgate.cli.status import rows
from pushgate.model.finding import Level
from pushgate.model.gateway_stats import GatewayStats
from pushgate.model.health.judgement import Judged
from pushgate.model.printable import printable

WIDTH: Final = 80
"""Columns of the text, unless a terminal has fewer."""
STYLES: Final = {
    "open": "bold red", "failing": "yellow", "closed": "green", "ok": "green",
    Level.FAILURE: "bold red", Level.WARNING: "yellow",
}  # fmt: skip
"""Styles of words in tables, and of levels."""
_TEXTS: Final = {"app", "sink", "hub", "circuit", "now", "out, by look"}
"""Columns that are not figures."""
_NAMES: Final = {"app", "sink", "hub"}
"""Columns of names, which are folded if there is no room."""
NARROW: Final = 8
"""Characters of a name that a line has room for even on a narrow terminal."""
_DISPENSABLE: Final = ("out, by look", "window", "conns", "in/s", "cert", "oldest", "errors", "dropped")
"""Columns that a narrow terminal does without, in this order."""
_GAP: Final = 2
"""Blanks between two columns."""


def console() -> Console:
    """Return the console of the standard output, without colours unless it is a terminal."""
    if sys.stdout.isatty():
        found = Console(highlight=False)
        return Console(highlight=False, width=min(WIDTH, found.width))
    return Console(highlight=False, width=WIDTH, force_terminal=False, no_color=True)


def show(parts: RenderableType) -> None:
    """Print to the standard output; in a pipe without the blanks with which lines are filled up."""
    there = console()
    if there.is_terminal:
        there.print(parts)
        return
    with there.capture() as captured:
        there.print(parts)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def whole(
    stats: GatewayStats, where: str, at: float, troubled: Sequence[Judged], width: int = WIDTH
) -> RenderableType:
    """Return the whole output: a heading, tables, and problems.

    :param at: the current time in Unix seconds.
    :param width: columns of the terminal.
    """
    parts: list[RenderableType] = [Text(line) for line in rows.heading(stats, where)]
    apps = (rows.app_row(name, app, at) for name, app in stats.apps.items())
    parts += _section(table(*fitting(rows.APP_COLUMNS, apps, width)))
    sinks = (rows.sink_row(name, sink) for name, sink in stats.sinks.items() if not sink.watches)
    parts += _section(table(*fitting(rows.SINK_COLUMNS, sinks, width)))
    if watching := rows.watchers(stats):
        parts.append(Text(watching, style="dim"))
    parts += _section(table(rows.HUB_COLUMNS, (rows.hub_row(*hub) for hub in stats.hubs.items())))
    parts.append(Text())
    parts += paragraphs(troubled) if troubled else [Text("nothing is wrong", style="green")]
    return Group(*parts)


def fitting(
    columns: Sequence[str], lines: Iterable[Sequence[str]], width: int
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return a table's columns and lines, without the columns for which a terminal has no room.

    :param width: columns of the terminal.
    """
    taken = [list(columns), *map(list, lines)]
    for column in _DISPENSABLE:
        if widest(taken[0], taken[1:]) <= width:
            break
        if column in taken[0]:
            at = taken[0].index(column)
            taken = [[*line[:at], *line[at + 1 :]] for line in taken]
    return taken[0], taken[1:]


def widest(columns: Sequence[str], lines: Sequence[Sequence[str]], narrow: int = NARROW) -> int:
    """Return how wide a table is.

    :param narrow: characters of a name that are counted at most.
    """
    cells = [max(map(cell_len, column)) for column in zip(columns, *lines, strict=True)]
    sizes = [min(size, narrow) if name in _NAMES else size for name, size in zip(columns, cells, strict=True)]
    return sum(sizes) + _GAP * (len(sizes) - 1)


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """Return a table without rules; figures are aligned right, and long names are folded."""
    made = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "left" if column in _TEXTS else "right"
        made.add_column(column, overflow="fold", justify=justify, no_wrap=column not in _NAMES)
    for line in lines:
        made.add_row(*(Text(word, style=STYLES.get(word, "")) for word in line))
    return made


def paragraphs(troubled: Iterable[Judged]) -> Iterator[RenderableType]:
    """Return a paragraph for each finding, with its meaning and advice."""
    for part, finding in troubled:
        yield Text(f"{finding.level}: {_clean(part)}: {_clean(finding.what)}", style=STYLES[finding.level])
        for line in finding.details:
            yield _beneath(line)
        if finding.meaning:
            yield _beneath(finding.meaning)
        if finding.advice:
            yield _beneath(f"to do: {finding.advice}")


def _section(made: Table) -> list[RenderableType]:
    return [Text(), made] if made.row_count else []


def _beneath(line: str) -> RenderableType:
    return Padding(Text(_clean(line)), (0, 0, 0, 2))


def _clean(text: str) -> str:
    """Escape control characters in a text of a gateway."""
    return printable(text, 1000)
