"""``pushgate hub details``, ``sends``, ``cancel``, ``count`` and ``tags``: what a hub knows."""

from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.hub.options import hub
from pushgate.cli.output import local_time, print_json, print_table
from pushgate.cli.run import run


@click.command("details", short_help="Print the state of a send, and its outcomes.")
@hub
@click.argument("number", metavar="ID")
@click.option("--errors", is_flag=True, help="List what push services said against devices, up to 100.")
@gateway_address.to
@options.as_json
def details(hub: str, number: str, errors: bool, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print the state of the send ID, and how many outcomes of each kind there are."""
    run(lambda reactor: _details(reactor, hub, number, errors, to, as_json))


@click.command("jobs", short_help="Print the latest imports and exports of SDKs.")
@hub
@gateway_address.to
@options.as_json
def jobs(hub: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print the imports and exports that SDKs have begun in the last days."""
    run(lambda reactor: _jobs(reactor, hub, to, as_json))


@click.command("sends")
@hub
@click.option("--scheduled", is_flag=True, help="Those that are to come.")
@gateway_address.to
@options.as_json
def sends(hub: str, scheduled: bool, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print the sends that came last, up to 100."""
    run(lambda reactor: _sends(reactor, hub, scheduled, to, as_json))


@click.command("cancel")
@hub
@click.argument("number", metavar="ID")
@gateway_address.to
@options.as_json
def cancel(hub: str, number: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Cancel the scheduled send ID. The exit status is 1 when it has begun already."""
    run(lambda reactor: _cancel(reactor, hub, number, to, as_json))


@click.command("count", short_help="Print how many registrations an expression finds.")
@hub
@click.argument("expression", required=False)
@gateway_address.to
@options.as_json
def count(hub: str, expression: str | None, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print how many registrations a tag EXPRESSION finds, by platform; without one count all."""
    run(lambda reactor: _count(reactor, hub, expression, to, as_json))


@click.command("tags")
@hub
@gateway_address.to
@options.as_json
def tags(hub: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print all tags, each with the number of its registrations."""
    run(lambda reactor: _tags(reactor, hub, to, as_json))


async def _details(
    reactor: Any, hub: str, number: str, errors: bool, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        found = await gateway.hub(hub).details(number)
        listed = await gateway.hub(hub).errors(number) if errors else []
    if as_json:
        print_json({**found, "errors": listed} if errors else found)
        return
    click.echo("  ".join(_row(found)))
    print_table(
        ("platform", "outcome", "notifications"),
        [
            (platform, name, f"{number:,}")
            for platform, counts in found["outcomes"].items()
            for name, number in counts.items()
        ],
        numbers=("notifications",),
    )
    _print_errors(listed)


def _print_errors(errors: list[dict[str, Any]]) -> None:
    from pushgate.model.printable import escaped

    columns = ("platform", "handle", "registration", "outcome")
    if errors:
        print_table(columns, [[escaped(str(each[name])) for name in columns] for each in errors])


async def _jobs(reactor: Any, hub: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        found = await gateway.hub(hub).jobs()
    if as_json:
        print_json({"jobs": found})
    else:
        rows = [
            (each["id"], each["type"], each["status"], f"{each['progress']:g} %", each["failure"])
            for each in found
        ]
        print_table(("id", "type", "status", "progress", "failure"), rows)


async def _sends(
    reactor: Any, hub: str, scheduled: bool, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        found = await gateway.hub(hub).sends(scheduled)
    if as_json:
        print_json({"sends": found})
    else:
        print_table(("id", "state", "time", "format", "tags"), map(_row, found))


async def _cancel(
    reactor: Any, hub: str, number: str, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        done = await gateway.hub(hub).cancel(number)
    if as_json:
        print_json({"cancelled": done})
    else:
        click.echo(f"{number} is cancelled" if done else f"{number} is not scheduled any more")
    if not done:
        raise SystemExit(1)


async def _count(
    reactor: Any, hub: str, expression: str | None, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        found = await gateway.hub(hub).count(expression)
    if as_json:
        print_json(found)
        return
    counts = [*sorted(found.items()), ("all", sum(found.values()))]
    rows = [(platform, f"{number:,}") for platform, number in counts]
    print_table(("platform", "registrations"), rows, numbers=("registrations",))


async def _tags(reactor: Any, hub: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        found = [each async for each in gateway.hub(hub).tags()]
    if as_json:
        print_json({"tags": [{"tag": tag, "registrations": number} for tag, number in found]})
    else:
        rows = [(tag, f"{number:,}") for tag, number in found]
        print_table(("tag", "registrations"), rows, numbers=("registrations",))


def _row(send: dict[str, Any]) -> tuple[str, ...]:
    """A send in a line."""
    at = local_time(send["scheduled_for"] or send["at"])
    return send["id"], send["state"], at, send["format"], send["expression"] or "to all"
