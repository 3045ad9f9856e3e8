"""A line about a wait: a command that is silent looks as if it did nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

SILENCE: Final = 2.0
"""Seconds of a wait before its line."""


def say(line: str) -> None:
    """Write a line to the standard error."""
    click.echo(line, err=True)


@contextmanager
def waiting_line(reactor: Any, line: str, say: Callable[[str], object] = say) -> Iterator[None]:
    """Say a line when what is in the context takes longer than `SILENCE`."""
    waiting = reactor.callLater(SILENCE, say, line)
    try:
        yield
    finally:
        if waiting.active():
            waiting.cancel()
