"""Writes a man page of each command of `pushgate`: ``python docs/tools/man_pages.py DIRECTORY``."""

import re
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
from click_man.man import ManPage

from pushgate import __version__
from pushgate.cli import main

ROOT = Path(__file__).parents[2]


def released() -> str:
    """The day on which this version was released, of the changelog: pages made again are the same."""
    found = re.search(
        rf"^## \[{re.escape(__version__)}\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    return found[1] if found else "unreleased"


def roff(text: str) -> str:
    """Text as roff has it: ASCII, of which it obeys no backslash, and no dot or quote that begins a line."""
    text = re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", "\\e").replace("\b\n", ""), flags=re.MULTILINE)
    return re.sub(r"[^\0-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", text)


def contexts(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[click.Context]:
    """The context of a command, and those of all below it."""
    context = click.Context(command, info_name=name, parent=parent)
    yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from contexts(below, each, context)


def page(context: click.Context) -> str:
    """The man page of a command."""
    command = context.command
    made = ManPage(context.command_path)
    made.version, made.date = __version__, released()
    made.short_help = roff(command.get_short_help_str(200))
    made.synopsis = " ".join(command.collect_usage_pieces(context))
    made.description = roff(cleandoc(command.help or ""))
    records = [each.get_help_record(context) for each in command.get_params(context)]
    made.options = [(option, roff(said)) for option, said in filter(None, records)]
    if isinstance(command, click.Group):
        below = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
        made.commands = [(name, roff(each.get_short_help_str(200))) for name, each in below if each]
    return str(made)


def write(directory: Path) -> list[Path]:
    """Write all pages to a directory, which is made; return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for context in contexts(main, "pushgate"):
        file = directory / f"{context.command_path.replace(' ', '-')}.1"
        file.write_text(page(context), "utf-8")
        files.append(file)
    return files


if __name__ == "__main__":
    print(f"{len(write(Path(sys.argv[1])))} pages in {sys.argv[1]}")
