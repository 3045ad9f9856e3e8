"""The outputs of `top`: a terminal, a pipe, or JSON."""

import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import click
import msgspec
from rich import live
from rich.console import Console

from pushgate.cli.output import print_json_line
from pushgate.cli.status.view import show
from pushgate.cli.top.samples import Samples
from pushgate.cli.top.screen import screen
from pushgate.model.gateway_stats import GatewayStats
from pushgate.model.health.judgement import troubles
from pushgate.model.printable import printable

Wall = Callable[[], float]
"""Unix seconds."""


class Look(msgspec.Struct, frozen=True):
    """An answer of a gateway.

    :param answer: the answer, unchanged.
    :param stats: the answer as values.
    :param samples: the looks up to this one.
    """

    answer: dict[str, Any]
    stats: GatewayStats
    samples: Samples


class Display(Protocol):
    """Shows looks."""

    def show(self, look: Look) -> None:
        """Show a look, in place of the one before or after it."""

    def lost(self, why: str) -> None:
        """Say that there is no answer."""


class _Text:
    """The base of displays of text.

    :param where: the gateway's address.
    :param versions: the versions of this program.
    """

    def __init__(self, where: str, versions: Mapping[str, str], wall: Wall) -> None:
        self._where, self._versions, self._wall = where, versions, wall

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the output as it is."""

    def say(self, line: str) -> None:
        """Write a line to stderr."""
        click.echo(line, err=True)

    def lost(self, why: str) -> None:
        """Say that there is no answer."""
        self.say(f"no answer: {printable(why)}")

    def _screen(self, look: Look, size: tuple[int, int] | None, lost: str = "") -> Any:
        troubled = troubles(look.stats, self._versions, self._wall())
        return screen(look.stats, look.samples, self._where, troubled, size, lost)


class JSONLines(_Text):
    """A JSON object on a line for each look."""

    def show(self, look: Look) -> None:
        """Write a look."""
        rates = {app: look.samples.rates(app) for app in look.stats.apps}
        print_json_line({**look.answer, "rates": rates})


class Pages(_Text):
    """Text, with a blank line between looks."""

    def show(self, look: Look) -> None:
        """Write a look."""
        show(self._screen(look, None))
        click.echo()
        sys.stdout.flush()


class Screen(_Text):
    """The whole terminal, which is restored at the end."""

    def __init__(self, where: str, versions: Mapping[str, str], wall: Wall) -> None:
        super().__init__(where, versions, wall)
        self._console = Console(highlight=False)
        # No refresh thread, and no redirection of stdout and stderr: `say` shows other lines.
        self._live = live.Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._look: Look | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, look: Look) -> None:
        """Draw a look."""
        self._look = look
        self._live.update(self._screen(look, self._console.size), refresh=True)

    def lost(self, why: str) -> None:
        """Show the reason above the last look."""
        if self._look is not None:
            self._live.update(self._screen(self._look, self._console.size, printable(why)), refresh=True)

    def say(self, line: str) -> None:
        """Show a line above the last look."""
        self.lost(line)
