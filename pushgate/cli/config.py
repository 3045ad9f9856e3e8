"""``pushgate config``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pushgate.cli import options
from pushgate.cli.output import drop_log, fail, print_json, print_table

if TYPE_CHECKING:
    from pushgate.service.config.reader import Config


@click.group("config")
def command() -> None:
    """Check and convert configuration files."""


@command.command(short_help="Check a file: print its faults, or its tables.")
@click.argument("file", type=click.Path(path_type=Path))
@options.plugins
@options.as_json
def check(file: Path, directories: tuple[Path, ...], as_json: bool) -> None:
    """Check FILE: print each fault on a line and exit with 1, or list its tables.

    Settings that are valid but probably not intended are warnings on stderr.
    """
    from pushgate.model.errors import CannotStart
    from pushgate.service.config.cross_checks import warnings
    from pushgate.service.config.reader import plug_ins_for, read_config

    drop_log()
    try:
        config = read_config(file, plug_ins_for(file, directories))
    except CannotStart as error:
        if as_json:
            print_json({"file": str(file), "ok": False, "faults": error.faults})
            raise SystemExit(1) from None
        fail(error.faults)
    found = warnings(config.inputs)
    if as_json:
        print_json({"file": str(file), "ok": True, "warnings": found, **_by_section(config)})
    else:
        for line in found:
            click.echo(f"warning: {file}: {line}", err=True)
        rows = [
            (key, name, choice)
            for key, names in _by_section(config).items()
            for name, choice in names.items()
        ]
        print_table(("table", "name", "plug-in or operations"), rows)


@command.command("import-momentum", short_help="Translate Momentum's ecelerity.conf.")
@click.argument("file", type=click.Path(path_type=Path))
def import_momentum(file: Path) -> None:
    """Translate FILE, an ecelerity.conf of Momentum, and print the configuration.

    Settings that have no counterpart or need attention are lines on stderr, and comments in the output.
    """
    from pushgate.model.text_file import UTF16, is_utf16, without_bom
    from pushgate.protocols.momentum.conf_translation import NothingToTranslate, translate
    from pushgate.protocols.momentum.ecelerity_conf import ConfSyntaxError, read_conf

    try:
        data = file.read_bytes()
        if is_utf16(data):
            fail([f"{file}: {UTF16}"])
        found = translate(read_conf(without_bom(data).decode()))
    except OSError as error:
        fail([f"{file}: {error.strerror}"])
    except UnicodeDecodeError:
        fail([f"{file}: not text in UTF-8"])
    except (ConfSyntaxError, NothingToTranslate) as error:
        fail([f"{file}: {error}"])
    for remark in found.remarks:
        click.echo(f"{file}: {remark}", err=True)
    click.echo(found.toml, nl=False)


def _by_section(config: "Config") -> dict[str, dict[str, str]]:
    return {
        "apps": _choices(config.apps),
        "inputs": _choices(config.inputs),
        "sinks": _choices(config.sinks),
        "principals": {name: ",".join(table.operations) for name, table in config.principals.items()},
        "hubs": {name: ",".join(table.apps()) for name, table in config.hubs.items()},
    }


def _choices(section: Mapping[str, tuple[Any, Any]]) -> dict[str, str]:
    return {name: str(factory.name) for name, (factory, _) in section.items()}
