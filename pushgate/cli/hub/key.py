"""``pushgate hub key``."""

import os
from pathlib import Path

import click

from pushgate.cli import options
from pushgate.cli.output import fail, print_json


@click.command("key", short_help="Make a key in a new file; print it for SDKs.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--rule", default="DefaultFullSharedAccessSignature", show_default=True,
    help="The rule whose key_file it is: the RULE of [hubs.NAME.rules.RULE].",
)  # fmt: skip
@click.option(
    "--host", metavar="HOST:PORT", default="localhost:7221", show_default=True,
    help="Where SDKs reach the hub.",
)  # fmt: skip
@click.option("--rotate", is_flag=True, help="Put a new key before the one in FILE, which stays good.")
@options.as_json
def key(file: Path, rule: str, host: str, rotate: bool, as_json: bool) -> None:
    """Make a key of 256 random bits in a new FILE that its owner alone may read; print it for SDKs.

    What is printed is the connection string that Microsoft's SDKs take, with the key in it.

    With --rotate the file has two keys, of which either is good after a reload of the gateway: give the new
    one out, and rotate once more when no program has the old one.
    """
    import base64
    import secrets

    made = base64.b64encode(secrets.token_bytes(32)).decode()
    try:
        _replace(file, made) if rotate else _write(file, [made], os.O_EXCL)
    except OSError as error:
        fail([f"{file}: {error.strerror}"])
    text = f"Endpoint=sb://{host}/;SharedAccessKeyName={rule};SharedAccessKey={made}"
    print_json({"rule": rule, "file": str(file), "connection_string": text}) if as_json else click.echo(text)


def _replace(file: Path, made: str) -> None:
    """Put a key before the first one of a file, in the place of the second; the file is whole at any time."""
    kept = [line.strip() for line in file.read_text("ascii", "replace").splitlines() if line.strip()][:1]
    beside, owner = file.with_name(f"{file.name}.new"), file.stat()
    _write(beside, [made, *kept], os.O_TRUNC)
    if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(beside, owner.st_uid, owner.st_gid)
    beside.replace(file)


def _write(file: Path, keys: list[str], how: int) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600), "w") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write("".join(f"{key}\n" for key in keys))
        out.flush()
        os.fsync(out.fileno())
