"""The screen of `top`: the busiest apps, as many as fit, and problems."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from pushgate.cli.status import rows
from pushgate.cli.status.view import STYLES, table
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
NARROW: Final = 8
"""Characters of a name that are shown even on a narrow terminal."""
FIXED: Final = 7
"""Lines besides apps and problems: three of the heading, two blank ones, the column names, the sinks."""
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
    lines = [Text(line, no_wrap=True, overflow="ellipsis") for line in rows.heading(stats, where)]
    if lost:
        lines[0] = Text(f"no answer: {lost}", style="bold red", no_wrap=True, overflow="ellipsis")
    warned = trouble_lines(troubled, None if size is None else TROUBLES)
    room = None if size is None else max(2, size[1] - FIXED - len(warned))
    names, more = fitted(busiest(stats), room)
    width = None if size is None else max(NARROW, size[0] - FIGURES)
    made = table(COLUMNS, (app_row(name, stats.apps[name], samples, width) for name in names))
    rest = [Text(f"and {number(more)} more apps", style="dim")] if more else []
    return Group(*lines, Text(), made, *rest, Text(), sinks_line(stats), *warned)


def app_row(name: str, app: AppStats, samples: Samples, width: int | None = None) -> tuple[str, ...]:
    """Return a row of the table of apps.

    :param width: characters of the name at most.
    """
    rates: Rates = samples.rates(name)
    return (
        rows.shown(name) if width is None else printable(name, width - 1),
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
    """Return a line on the lag of each sink, the worst first."""
    lasting = {name: sink for name, sink in stats.sinks.items() if not sink.watches}
    worst = sorted(lasting, key=lambda name: (not lasting[name].failing, -lasting[name].lag, name))
    lags = [
        f"{rows.shown(name)} {'failing, ' if lasting[name].failing else ''}{number(lasting[name].lag)}"
        for name in worst
    ]
    return Text(f"sinks behind: {', '.join(lags) or NONE}", no_wrap=True, overflow="ellipsis")


def trouble_lines(troubled: Sequence[Judged], room: int | None) -> list[Text]:
    """Return a line for each finding, and one with the number of those that do not fit."""
    lines = [_line(*each) for each in troubled]
    if room is None or len(lines) <= room:
        return lines
    return [*lines[: room - 1], Text(f"and {len(lines) - room + 1} more: pushgate status", style="dim")]


def _line(part: str, finding: Finding) -> Text:
    text = f"{finding.level}: {rows.shown(part)}: {rows.shown(finding.what)}"
    return Text(text, style=STYLES[finding.level], no_wrap=True, overflow="ellipsis")
