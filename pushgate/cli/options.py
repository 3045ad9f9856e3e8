"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

plugins: Callable[[Any], Any] = click.option(
    "--plugins",
    "directories",
    metavar="DIR",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A directory of plug-ins; may be given several times.",
)
app: Callable[[Any], Any] = click.option(
    "--app", required=True, help="The app, as the gateway's configuration names it."
)
as_json: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON, for programs."
)
