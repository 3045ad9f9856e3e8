"""``pushgate simulate``."""

import sys
from pathlib import Path

import click


@click.command("simulate", short_help="Run the push service's side until Ctrl-C.")
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE",
    help="TOML with a [simulator] table; without it all is default.",
)  # fmt: skip
def command(config: Path | None) -> None:
    """Run the push service's side until Ctrl-C: the same as twistd -n --pidfile= pushgate-simulator."""
    from twisted.scripts.twistd import run

    options = [] if config is None else ["--config", str(config)]
    sys.argv = ["twistd", "-n", "--pidfile=", "pushgate-simulator", *options]
    run()
