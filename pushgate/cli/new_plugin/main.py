"""``pushgate new-plugin``: a package with a plug-in that works, to begin from."""

from pathlib import Path

import click

from pushgate.cli.output import fail


@click.command("new-plugin", short_help="Write a package with a plug-in that works, and its test.")
@click.argument("kind", type=click.Choice(["input", "sink", "upstream"]))
@click.argument("name")
@click.option(
    "--dir", "directory", metavar="DIR", type=click.Path(path_type=Path),
    help="Where to write it; default: pushgate-NAME. Must be empty, or not there.",
)  # fmt: skip
def command(kind: str, name: str, directory: Path | None) -> None:
    """Write a package with a plug-in called NAME, which works, and a test of it.

    NAME is what a configuration says: the `type` of an input or a sink, the `upstream` of an app.
    """
    from pushgate.cli.new_plugin.package import NAME, NAME_RULE, package
    from pushgate.service.plugin_registry import find

    if not NAME.fullmatch(name):
        raise click.UsageError(f"NAME must be {NAME_RULE}")
    taken = find().found[kind].get(name)
    if taken is not None:
        fail([f'the {kind} name "{name}" is taken by {taken.origin}'])
    directory = directory or Path(f"pushgate-{name}")
    try:
        _write(directory, package(kind, name))
    except OSError as error:
        fail([f"{error.filename}: {error.strerror}"])
    click.echo(f"The {kind} {name} is in {directory}. There:\n  pip install --editable .")
    click.echo("  python -m unittest discover tests\n  pushgate plugins")


def _write(directory: Path, files: dict[str, str]) -> None:
    """Write a package into a new or an empty directory; raise OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        fail([f"{directory}: there is something in it; must be empty, or not there"])
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
