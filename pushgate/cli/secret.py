"""``pushgate secret``."""

import os
from pathlib import Path

import click

from pushgate.cli import options
from pushgate.cli.output import fail, print_json


@click.command("secret", short_help="Make a secret for a principal; it is shown once.")
@click.argument("name")
@click.option(
    "--append", "file", metavar="FILE", type=click.Path(path_type=Path),
    help="Append the hash to this file, which is made if need be, instead of printing it only.",
)  # fmt: skip
@options.as_json
def command(name: str, file: Path | None, as_json: bool) -> None:
    """Make a secret for the principal NAME: 256 random bits, shown this once.

    What the gateway keeps in the file that `secret_file` names is a hash, from which the secret cannot be
    found. A file may hold several: any of them will do, so that an old one can be replaced without haste.
    """
    import secrets

    from pushgate.model.names import NAME, NAME_RULE
    from pushgate.model.secret_hash import SecretHash

    if not NAME.fullmatch(name):
        raise click.UsageError(f"NAME must be {NAME_RULE}")
    secret = secrets.token_urlsafe(32)
    hashed = str(SecretHash.of(secret.encode(), secrets.token_bytes(16)))
    if file is not None:
        _append(file, hashed)
    if as_json:
        print_json({"name": name, "secret": secret, "hash": hashed})
        return
    click.echo(f"The secret of {name}, for the program that logs in; it is shown this once:\n  {secret}")
    where = "This line is for its secret_file:" if file is None else f"Appended to {file}:"
    click.echo(f"{where}\n  {hashed}")


def _append(file: Path, line: str) -> None:
    """Add a line; end the one before it, if that has no end."""
    try:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+b") as out:
            if out.tell():
                out.seek(-1, os.SEEK_END)
                line = line if out.read(1) == b"\n" else f"\n{line}"
            out.write(f"{line}\n".encode())
    except OSError as error:
        fail([f"{file}: {error.strerror}"])
