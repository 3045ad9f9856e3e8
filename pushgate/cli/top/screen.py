"""The screen of `top`: the busiest apps, as many as fit, and problems."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from pushgate.cli.status import rows
from pushgate.cli.status.view import NARROW, STYLES, fitting, table, widest
from pushgate.cli.top.samples import Rates, Samples
from pushgate.model.finding import Finding
from pushgate.model.gateway_stats import AppStats, GatewayStats
from pushgate.model.health.judgement import Judged
from pushgate.model.health.words import NONE, age, number, rate, sparkline
from pushgate.model.printable import printable

COLUMNS: Final = ("app", "circuit", "queue", "oldest", "window", "in/s", "out/s", "out, by look")
BARS: Final = 14
"""Bars of a sparkline, one for each look."""
FIGURES: Final = 66
"""Columns of everything but the name: figures at their widest, bars, and the space between."""
FIXED: Final = 7
"""Lines besides apps and problems: three of the heading, two blank ones, the column names, the sinks."""
SENTENCE: Final = 1000
"""Characters of a finding that are shown at most."""
TROUBLES: Final = 6
"""Lines of problems at most."""


def screen(
    stats: GatewayStats,
    samples: Samples,
    where: str,
    troubled: Sequence[Judged],
    size: tuple[int, int] | None,
    lost: str = "",
) -> RenderableType:
    """Return the screen for the last look.

    :param size: columns and lines of the terminal; None: no limits.
    :param lost: the reason why the gateway does not answer, or "".
    """
    lines = [Text(line) for line in rows.heading(stats, where)]
    if lost:
        lines[0] = Text(f"no answer: {lost}", style="bold red")
    warned = trouble_lines(troubled, None if size is None else TROUBLES)
    room = None if size is None else max(2, size[1] - FIXED - len(warned))
    names, more = fitted(busiest(stats), room)
    apps = [app_row(name, stats.apps[name], samples) for name in names]
    rest = [Text(f"and {number(more)} more apps", style="dim")] if more else []
    below = [sinks_line(stats), *warned]
    if size is None:  # a pipe: nothing is cut short
        return Group(*lines, Text(), table(COLUMNS, apps), *rest, Text(), *below)
    for line in (*lines, *below):
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines, Text(), apps_table(apps, size[0]), *rest, Text(), *below)


def apps_table(apps: Sequence[Sequence[str]], width: int) -> RenderableType:
    """Return the table of apps for a terminal: names are cut short, and columns left out that do not fit."""
    columns, lines = fitting(COLUMNS, apps, width)
    room = width - (FIGURES if len(columns) == len(COLUMNS) else widest(columns, lines, narrow=0))
    return table(columns, ([printable(name, max(NARROW, room) - 1), *rest] for name, *rest in lines))


def app_row(name: str, app: AppStats, samples: Samples) -> tuple[str, ...]:
    """Return a row of the table of apps."""
    rates: Rates = samples.rates(name)
    return (
        rows.shown(name),
        rows.circuit(app),
        number(app.queue),
        age(app.queue_age),
        number(app.window),
        rate(rates.submitted),
        rate(rates.settled),
        sparkline(samples.history(name), BARS),
    )


def busiest(stats: GatewayStats) -> list[str]:
    """Return the names of apps: open circuits first, then by outcomes of the last minute."""

    def rank(name: str) -> tuple[bool, int, int, str]:
        app = stats.apps[name]
        return not app.circuit.open, -sum(app.recent.outcomes.values()), -app.queue, name

    return sorted(stats.apps, key=rank)


def fitted(names: Sequence[str], room: int | None) -> tuple[Sequence[str], int]:
    """Return the names that fit into `room` lines, and the number of the others, which needs a line too."""
    if room is None or len(names) <= room:
        return names, 0
    return names[: room - 1], len(names) - room + 1


def sinks_line(stats: GatewayStats) -> Text:
    """Return a line on the sinks that are behind or failing, the worst first."""
    lasting = {name: sink for name, sink in stats.sinks.items() if not sink.watches}
    behind = [name for name, sink in lasting.items() if sink.failing or sink.lag]
    worst = sorted(behind, key=lambda name: (not lasting[name].failing, -lasting[name].lag, name))
    lags = [
        f"{rows.shown(name)} {'failing, ' if lasting[name].failing else ''}{number(lasting[name].lag)}"
        for name in worst
    ]
    return Text(f"sinks behind: {', '.join(lags) or ('none' if lasting else NONE)}")


def trouble_lines(troubled: Sequence[Judged], room: int | None) -> list[Text]:
    """Return a line for each finding, and one with the number of those that do not fit."""
    lines = [_line(*each) for each in troubled]
    if room is None or len(lines) <= room:
        return lines
    return [*lines[: room - 1], Text(f"and {len(lines) - room + 1} more: pushgate status", style="dim")]


def _line(part: str, finding: Finding) -> Text:
    text = f"{finding.level}: {rows.shown(part)}: {printable(finding.what, SENTENCE)}"
    return Text(text, style=STYLES[finding.level])
