"""``pushgate flush``."""

from typing import Any, Final

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import print_json
from pushgate.cli.run import run

_PATIENCE: Final = 60.0
"""Seconds for the proof: a push service that says nothing is given up after the response timeout and 10 s."""


@click.command("flush", short_help="Have proven what an app's connections have written.")
@click.argument("id")
@gateway_address.to
@options.as_json
def command(id: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:  # noqa: A002 - the contract's word
    """Have proven what the app of the notification ID, or of a batch with this ID, has written so far.

    Apple's binary service says nothing of what it accepts. A deliberately bad frame behind all others has it
    answer, which proves that it took what came before. Each connection that was written to is used up by
    that, so the app's configuration must allow it, with confirm = "probe", and it is done once a minute at
    most.
    """
    run(lambda reactor: _flush(reactor, id, to, as_json))


async def _flush(reactor: Any, number: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    async with gateway_address.reach(reactor, to, _PATIENCE, retry_for=0) as gateway:
        proven = await gateway.flush(number)
    if as_json:
        print_json({"id": number, "proven": proven})
    else:
        click.echo(f"{proven:,} are now known to be accepted")
