"""``pushgate channels``."""

from typing import Any, Final

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import print_json
from pushgate.cli.run import run

_POLICIES: Final[dict[int | None, str]] = {0: "keeps nothing", 1: "keeps the last message"}


@click.group("channels", short_help="Make, look at and delete an app's channels at Apple.")
def command() -> None:
    """Make, look at and delete an app's channels at Apple, to which broadcasts go.

    `pushgate send --channel ID` sends to one.
    """


@command.command("create")
@options.app
@click.option(
    "--message-storage-policy", "policy", type=click.Choice(["0", "1"]), required=True,
    help="0: a broadcast reaches devices that are there; 1: Apple keeps the last one for the others.",
)  # fmt: skip
@gateway_address.to
@options.as_json
def create(app: str, policy: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Make a channel; print its id."""
    run(lambda reactor: _create(reactor, app, int(policy), to, as_json))


@command.command("list")
@options.app
@gateway_address.to
@options.as_json
def list_(app: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print the ids of all channels, one a line."""
    run(lambda reactor: _list(reactor, app, to, as_json))


@command.command("show")
@options.app
@click.argument("channel")
@gateway_address.to
@options.as_json
def show(app: str, channel: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print what Apple knows of a CHANNEL."""
    run(lambda reactor: _show(reactor, app, channel, to, as_json))


@command.command("delete")
@options.app
@click.argument("channel")
@gateway_address.to
@options.as_json
def delete(app: str, channel: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Delete a CHANNEL: nothing can be sent to it any more."""
    run(lambda reactor: _delete(reactor, app, channel, to, as_json))


async def _create(
    reactor: Any, app: str, policy: int, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        channel = await gateway.create_channel(app, policy)
    print_json({"channel": channel}) if as_json else click.echo(channel)


async def _list(reactor: Any, app: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        channels = await gateway.channels(app)
    if as_json:
        print_json({"channels": channels})
    else:
        click.echo("".join(f"{channel}\n" for channel in channels), nl=False)


async def _show(
    reactor: Any, app: str, channel: str, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        found = await gateway.channel(app, channel)
    if as_json:
        print_json(
            {
                "channel": found.channel,
                "message_storage_policy": found.message_storage_policy,
                "push_type": found.push_type,
            }
        )
        return
    parts = found.channel, found.push_type, _POLICIES.get(found.message_storage_policy)
    click.echo("  ".join(part for part in parts if part))


async def _delete(
    reactor: Any, app: str, channel: str, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        await gateway.delete_channel(app, channel)
    print_json({"deleted": True}) if as_json else click.echo(f"{channel} is deleted")
