"""The `pushgate` command.

A command is a module of this package with a click command called `command`; add its name to `COMMANDS`, with
a hyphen where the module has an underscore.
What is slow to import is imported inside the command's function: ``pushgate --help`` imports every module.
"""

from importlib import import_module
from typing import Any, Final

import click

from pushgate import __version__
from pushgate.cli.output import is_output, output_lost

COMMANDS: Final = (
    "demo", "doctor", "status", "top", "send", "cancel", "flush", "watch", "trace", "pace", "tokens",
    "channels", "mdm", "hub", "reload", "bench", "lint", "simulate", "config", "plugins", "new-plugin",
    "secret",
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
        command: click.Command = import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        _check_texts(command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """See click."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if is_output(error):
                output_lost(error)
            raise


class Text(click.ParamType):  # type: ignore[type-arg]  # older versions of click take none
    """Text in UTF-8: what the command line has instead Python passes on as half of a surrogate pair."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click."""
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            self.fail("it is no UTF-8 text", param, ctx)
        return value


def _check_texts(command: click.Command) -> None:
    """Have every text that a command takes be UTF-8."""
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = Text()
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _check_texts(each)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pushgate")
def main() -> None:
    """Talk to a pushgate gateway, and check what it is made of."""
