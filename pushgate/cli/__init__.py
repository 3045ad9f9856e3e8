"""The `pushgate` command.

A command is a module of this package with a click command called `command`; add its name to `COMMANDS`.
What is slow to import is imported inside the command's function: ``pushgate --help`` imports every module.
"""

from importlib import import_module
from typing import Final

import click

from pushgate import __version__

COMMANDS: Final = (
    "demo", "send", "watch", "trace", "pace", "tokens", "reload", "simulate", "config", "plugins", "secret",
)  # fmt: skip
"""The commands there are, in the order in which help lists them."""


class Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pushgate")
def main() -> None:
    """Talk to a pushgate gateway, and check what it is made of."""
