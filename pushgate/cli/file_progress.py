"""How far the rows of a file are: a bar on a terminal, now and then a line elsewhere."""

import os
import sys
import time
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_SILENCE: Final = 10.0
"""Seconds between two lines."""


class FileProgress:
    """Shows progress on the standard error, and what is said meanwhile above it.

    :param size: bytes of the file; 0 when that is not known.
    """

    def __init__(self, size: int) -> None:
        self._done = 0
        self._next_line = time.monotonic() + _SILENCE
        self._bar: Progress | None = None
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._bar = Progress(
                TextColumn("{task.fields[accepted]} accepted"), BarColumn(), TaskProgressColumn(),
                TimeRemainingColumn(), console=Console(stderr=True), auto_refresh=False,
            )  # fmt: skip
            self._task = self._bar.add_task("sending", total=size or None, accepted="0")
            self._bar.start()

    def show(self, taken: int, accepted: int) -> None:
        """Show that so many more bytes are done with, and how many notifications are accepted in all."""
        self._done += taken
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, accepted=f"{accepted:,}")
            self._bar.refresh()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _SILENCE
            self.say(f"{accepted:,} accepted so far")

    def say(self, line: str) -> None:
        """Write a line on the standard error."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(line, err=True)

    def close(self) -> None:
        """Leave the bar as it is; harmless when closed."""
        if self._bar is not None:
            self._bar.stop()
