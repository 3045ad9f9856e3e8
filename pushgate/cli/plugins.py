"""``pushgate plugins``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pushgate.cli import options
from pushgate.cli.output import drop_log, fail, print_json, print_table

if TYPE_CHECKING:
    from pushgate.service.plugin_registry import Registry


@click.command("plugins", short_help="List the plug-ins, and those that cannot be used.")
@click.option(
    "--config", "-c", "file", metavar="FILE", type=click.Path(path_type=Path),
    help="A configuration whose `gateway.plugins` names further directories.",
)  # fmt: skip
@options.plugins
@options.as_json
def command(file: Path | None, directories: tuple[Path, ...], as_json: bool) -> None:
    """List the plug-ins there are, and those that cannot be used with the reason.

    The exit status is 1 when there is one that cannot be used, other than for want of a package that it is
    declared to need: not to install that may be a choice.
    """
    from pushgate.model.errors import CannotStart
    from pushgate.service.config.reader import plug_ins_for

    drop_log()
    try:
        registry = plug_ins_for(file, directories, load=True)
    except CannotStart as error:
        fail(error.faults)
    if as_json:
        print_json({"plugins": _listing(registry), "broken": [each._asdict() for each in registry.broken]})
    else:
        _print(registry)
    if any(not each.needs for each in registry.broken):
        sys.exit(1)


def _listing(registry: "Registry") -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "kind": kind,
            "origin": found.origin,
            "description": str(found.factory.description),
        }
        for kind, plug_ins in registry.found.items()
        for name, found in sorted(plug_ins.items())
    ]


def _print(registry: "Registry") -> None:
    listing = _listing(registry)
    print_table(("name", "kind", "origin", "description"), [tuple(each.values()) for each in listing])
    for title, is_missing in (("not installed:", True), ("not usable:", False)):
        broken = [(each.origin, each.reason) for each in registry.broken if bool(each.needs) is is_missing]
        if broken:
            click.echo(title)
            print_table(("file", "reason"), broken)
