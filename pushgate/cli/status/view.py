"""The output of `status`: one screen of 80 columns, without colours in a pipe."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import click
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


def whole(stats: GatewayStats, where: str, at: float, troubled: Sequence[Judged]) -> RenderableType:
    """Return the whole output: a heading, tables, and problems.

    :param at: the current time in Unix seconds.
    """
    parts: list[RenderableType] = [Text(line) for line in rows.heading(stats, where)]
    apps = (rows.app_row(name, app, at) for name, app in stats.apps.items())
    parts += _section(table(rows.APP_COLUMNS, apps))
    sinks = (rows.sink_row(name, sink) for name, sink in stats.sinks.items() if not sink.watches)
    parts += _section(table(rows.SINK_COLUMNS, sinks))
    if watching := rows.watchers(stats):
        parts.append(Text(watching, style="dim"))
    parts += _section(table(rows.HUB_COLUMNS, (rows.hub_row(*hub) for hub in stats.hubs.items())))
    parts.append(Text())
    parts += paragraphs(troubled) if troubled else [Text("nothing is wrong", style="green")]
    return Group(*parts)


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """Return a table without rules; figures are aligned right, and long names are folded."""
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
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
