"""``pushgate cancel``."""

from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import print_json
from pushgate.cli.run import run


@click.command("cancel", short_help="Withdraw a notification that was not written yet.")
@click.argument("id")
@gateway_address.to
@options.as_json
def command(id: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:  # noqa: A002 - the contract's word
    """Withdraw the notification ID, as long as it was not written to the push service.

    The exit status is 1 when it was written already, or has its outcome.
    """
    run(lambda reactor: _cancel(reactor, id, to, as_json))


async def _cancel(reactor: Any, number: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        cancelled = await gateway.cancel(number)
    if as_json:
        print_json({"id": number, "cancelled": cancelled})
    elif cancelled:
        click.echo(f"{number} is cancelled")
    else:
        click.echo(f"{number} was written already, or is done; `pushgate trace {number}` says which")
    if not cancelled:
        raise SystemExit(1)
