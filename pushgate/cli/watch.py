"""``pushgate watch``."""

import sys
from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import print_json_line
from pushgate.cli.run import run


@click.command("watch")
@click.option("--app", help="Only of this app.")
@gateway_address.to
@options.as_json
def command(app: str | None, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print every outcome as it comes, until Ctrl-C.

    Lines to read on a terminal; elsewhere lines of fields separated by tabs: Unix time, state, status,
    reason, app, token, id. With --json, outcome records, one a line.
    """
    run(lambda reactor: _watch(reactor, app, to, as_json))


async def _watch(reactor: Any, app: str | None, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    from pushgate.cli.outcome_format import fields, plain, row

    people = sys.stdout.isatty() and not as_json
    async with gateway_address.reach(reactor, to) as gateway:
        outcomes = await gateway.watch(app=app, connection=gateway_address.say_connection)
        if people:
            what = f"app {app}" if app else "all apps"
            click.echo(f"outcomes of {what} at {to}; Ctrl-C ends", err=True)
        async for record in outcomes:
            if as_json:
                print_json_line(plain(record))
            else:
                click.echo(row(record) if people else fields(record))
