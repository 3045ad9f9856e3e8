"""``pushgate hub key``."""

import os
from pathlib import Path

import click

from pushgate.cli import options
from pushgate.cli.output import fail, print_json


@click.command("key")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--rule", default="DefaultFullSharedAccessSignature", show_default=True,
    help="The rule whose key_file it is: the RULE of [hubs.NAME.rules.RULE].",
)  # fmt: skip
@click.option(
    "--host", metavar="HOST:PORT", default="localhost:7221", show_default=True,
    help="Where SDKs reach the hub.",
)  # fmt: skip
@options.as_json
def key(file: Path, rule: str, host: str, as_json: bool) -> None:
    """Make a key of 256 random bits in a new FILE that its owner alone may read; print it for SDKs.

    What is printed is the connection string that Microsoft's SDKs take, with the key in it.
    """
    import base64
    import secrets

    made = base64.b64encode(secrets.token_bytes(32)).decode()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"{made}\n")
    except OSError as error:
        fail([f"{file}: {error.strerror}"])
    text = f"Endpoint=sb://{host}/;SharedAccessKeyName={rule};SharedAccessKey={made}"
    print_json({"rule": rule, "file": str(file), "connection_string": text}) if as_json else click.echo(text)
