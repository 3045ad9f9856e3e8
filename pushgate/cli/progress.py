"""The progress of notifications: bars on a terminal, now and then a line elsewhere."""

import os
import sys
import time
from collections.abc import Callable
from typing import Protocol

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Showing(Protocol):
    """Shows how far things are."""

    def show(self, pushed: int, settled: int) -> None:
        """Show these counts."""

    def close(self) -> None:
        """Show no more; harmless when closed."""


class Bars:
    """Two bars that grow."""

    def __init__(self, total: int) -> None:
        # Without a thread of its own: `show` comes often enough.
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            auto_refresh=False,
        )  # fmt: skip
        self._pushed = self._progress.add_task("pushed ", total=total)
        self._settled = self._progress.add_task("settled", total=total)
        self._open = False

    def show(self, pushed: int, settled: int) -> None:
        """Move the bars."""
        if not self._open:
            self._open = True
            self._progress.start()
        self._progress.update(self._pushed, completed=pushed)
        self._progress.update(self._settled, completed=settled)
        self._progress.refresh()

    def close(self) -> None:
        """Leave the bars as they are."""
        if self._open:
            self._open = False
            self._progress.stop()


class Lines:
    """A line when something has changed, at most one a second; the last state always gets one.

    :param monotonic: seconds.
    """

    def __init__(
        self, total: int, *, err: bool = False, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._err, self._monotonic = total, err, monotonic
        self._shown: tuple[int, int] | None = None
        self._latest = (0, 0)
        self._silent_until = 0.0

    def show(self, pushed: int, settled: int) -> None:
        """Write a line if one is due."""
        self._latest = (pushed, settled)
        if self._monotonic() >= self._silent_until:
            self._tell()

    def close(self) -> None:
        """Write what was not shown yet."""
        self._tell()

    def _tell(self) -> None:
        if self._latest in (self._shown, (0, 0)):
            return
        self._shown, self._silent_until = self._latest, self._monotonic() + 1.0
        pushed, settled = self._latest
        click.echo(f"pushed {pushed:,}, settled {settled:,} of {self._total:,}", err=self._err)


def showing_of(total: int, as_json: bool, *, err: bool = False) -> Showing:
    """What suits the standard output: bars on a terminal, lines elsewhere.

    :param as_json: the standard output is for JSON alone: the lines are on standard error.
    :param err: so they are in any case.
    """
    bars = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not as_json
    return Bars(total) if bars else Lines(total, err=as_json or err)
