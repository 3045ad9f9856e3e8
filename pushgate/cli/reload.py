"""``pushgate reload``."""

from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import fail, print_json
from pushgate.cli.run import run


@click.command("reload", short_help="Have the gateway read its configuration file again.")
@gateway_address.to
@options.as_json
def command(to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Have the gateway read its configuration file again, and print what changed.

    When something is wrong with the file, nothing changes: each fault is a line, and the exit status 1.
    """
    run(lambda reactor: _reload(reactor, to, as_json))


async def _reload(reactor: Any, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    from pushgate.model.errors import CannotStart

    async with gateway_address.reach(reactor, to) as gateway:
        try:
            lines = await gateway.reload()
        except CannotStart as error:
            if not as_json:
                fail(error.faults)
            print_json({"ok": False, "faults": error.faults})
            raise SystemExit(1) from None
    if as_json:
        print_json({"ok": True, "changes": lines})
    else:
        for line in lines or ["nothing has changed"]:
            click.echo(line)
