"""``pushgate pace``."""

from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import print_json
from pushgate.cli.run import run


@click.command("pace", short_help="Limit the notifications a second of an app or a batch.")
@click.argument("rate", type=click.FloatRange(0))
@click.option("--app", help="Whose rate it is.")
@click.option("--id", "number", metavar="ID", help="Instead of an app: a notification of the batch.")
@gateway_address.to
@options.as_json
def command(
    rate: float, app: str | None, number: str | None, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    """Have an app, or a batch, send RATE notifications a second at most; 0 sets no limit.

    It holds until the gateway restarts: then the configuration's rate of the app counts again, and the rate
    that the batch was submitted with. The exit status is 1 when all of the batch is done.
    """
    if (app is None) == (number is None):
        raise click.UsageError("either --app or --id is needed")
    run(lambda reactor: _pace(reactor, rate, app, number, to, as_json))


async def _pace(
    reactor: Any,
    rate: float,
    app: str | None,
    number: str | None,
    to: gateway_address.GatewayAddress,
    as_json: bool,
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        paced = await gateway.pace(rate, app=app, id=number)
    if as_json:
        print_json({"paced": paced, "rate": rate})
    elif paced:
        what = f"app {app}" if app else f"the batch of {number}"
        click.echo(f"{what}: {f'{rate:g} a second at most' if rate else 'no limit'}")
    else:
        click.echo(f"the batch of {number} is done")
    if not paced:
        raise SystemExit(1)
