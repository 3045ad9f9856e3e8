"""What ``pushgate bench`` says in the end."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pushgate.cli.output import print_table

if TYPE_CHECKING:
    from pushgate.cli.bench.result import BenchResult

_COUNT, _SECONDS, _RATE = "count", "seconds", "a second"


def report(result: "BenchResult", batch: int) -> None:
    """The table, and how long answers took.

    :param batch: notifications of a batch.
    """
    print_table(("", _COUNT, _SECONDS, _RATE), _rows(result), numbers=(_COUNT, _SECONDS, _RATE))
    times = [(percent, result.answer_time(percent)) for percent in (50, 99)]
    known = [f"p{percent} {time:,.1f} ms" for percent, time in times if time is not None]
    if known:
        click.echo(f"answer to a batch of {batch:,}: {', '.join(known)}")


def _rows(result: "BenchResult") -> Iterator[tuple[str, str, str, str]]:
    yield "notifications", f"{result.count:,}", "", ""
    yield _timed("taken by the gateway", result.accepted, result.pushing, result.pushed_rate)
    yield _timed("settled", result.settled, result.settling, result.settled_rate)
    for kind, count in result.outcomes:
        yield " ".join(str(part) for part in kind if part not in {None, ""}), f"{count:,}", "", ""
    for code, text, count in result.errors:
        yield f"{code}: {text}", f"{count:,}", "", ""
    if result.missing:
        yield "without an outcome", f"{result.missing:,}", "", ""


def _timed(what: str, count: int, seconds: float, rate: float) -> tuple[str, str, str, str]:
    return what, f"{count:,}", f"{seconds:.2f}", f"{rate:,.0f}"
