"""``pushgate hub register``, ``show`` and ``unregister``."""

from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.hub.options import PLATFORMS, hub
from pushgate.cli.output import print_json
from pushgate.cli.run import run


@click.command("register")
@hub
@click.option("--platform", type=click.Choice(PLATFORMS), required=True, help="The kind of the device.")
@click.option(
    "--handle", metavar="TEXT", required=True,
    help="What its push service knows it by: a device token in hex, a registration token, a subscription.",
)  # fmt: skip
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="A tag; may be given several times.")
@click.option("--template", metavar="BODY", help="Have it sent to by a template, such as '{\"aps\":…}'.")
@click.option("--id", "number", metavar="ID", help="Change the registration with this id.")
@gateway_address.to
@options.as_json
def register(to: gateway_address.GatewayAddress, as_json: bool, hub: str, **fields: Any) -> None:
    """Register a device; print the id of its registration."""
    registration = _registration(**fields)
    run(lambda reactor: _register(reactor, hub, registration, to, as_json))


@click.command("show")
@hub
@click.argument("number", metavar="ID")
@gateway_address.to
def show(hub: str, number: str, to: gateway_address.GatewayAddress) -> None:
    """Print the registration ID, as JSON."""
    run(lambda reactor: _show(reactor, hub, number, to))


@click.command("unregister")
@hub
@click.argument("number", metavar="ID")
@gateway_address.to
@options.as_json
def unregister(hub: str, number: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Delete the registration ID."""
    run(lambda reactor: _unregister(reactor, hub, number, to, as_json))


def _registration(
    platform: str, handle: str, tags: tuple[str, ...], template: str | None, number: str | None
) -> dict[str, Any]:
    optional = {
        "tags": list(tags),
        "template": None if template is None else {"body": template},
        "id": number,
    }
    return {"platform": platform, "handle": handle} | {name: each for name, each in optional.items() if each}


async def _register(
    reactor: Any,
    hub: str,
    registration: dict[str, Any],
    to: gateway_address.GatewayAddress,
    as_json: bool,
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        number = await gateway.hub(hub).put_registration(registration)
    print_json({"id": number}) if as_json else click.echo(number)


async def _show(reactor: Any, hub: str, number: str, to: gateway_address.GatewayAddress) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        print_json(await gateway.hub(hub).registration(number))


async def _unregister(
    reactor: Any, hub: str, number: str, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        await gateway.hub(hub).delete_registration(number)
    print_json({"deleted": True}) if as_json else click.echo(f"{number} is deleted")
