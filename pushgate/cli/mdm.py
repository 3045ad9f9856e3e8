"""``pushgate mdm``."""

from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import fail, local_time, print_json, print_table
from pushgate.cli.run import run


@click.group("mdm", short_help="Find out about managed devices, and why one does not call.")
def command() -> None:
    """Find out about managed devices: whether they are enrolled, and why one does not call."""


@command.command("token-hash", short_help="Print the hash of a token that a sysdiagnose has.")
@click.argument("token", metavar="HEX")
def token_hash(token: str) -> None:
    """Print the SHA-256 of a device token, as a sysdiagnose has it (LastPushTokenHash)."""
    from pushgate.model.errors import Invalid
    from pushgate.protocols import mdm_push
    from pushgate.protocols.apns_rules import parse_token

    try:
        click.echo(mdm_push.token_hash(parse_token(token)))
    except Invalid as error:
        fail([str(error)])


@command.command("find")
@options.app
@click.option("--sha256", metavar="HEX", required=True, help="The hash of the token, or how it begins.")
@gateway_address.to
@options.as_json
def find(app: str, sha256: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print the enrolments of a token, by its hash. Needs the operation admin."""
    run(lambda reactor: _find(reactor, app, sha256, to, as_json))


@command.command("diagnose")
@options.app
@click.option("--token", metavar="HEX", required=True, help="The device token.")
@gateway_address.to
@options.as_json
def diagnose(app: str, token: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print why a device that was pushed to may not have called."""
    run(lambda reactor: _diagnose(reactor, app, token, to, as_json))


async def _find(
    reactor: Any, app: str, sha256: str, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        found = await gateway.find_enrolments(app, sha256)
    if as_json:
        print_json(found)
    else:
        print_table(
            ("token", "device", "enrolled", "last push", "called", "left", "superseded"), map(_row, found)
        )
    if not found:
        fail(["no enrolment of the app has a token with this hash"])


async def _diagnose(
    reactor: Any, app: str, token: str, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        said = await gateway.diagnose(app, token)
    if as_json:
        print_json(said)
        return
    click.echo(f"{said['sha256'][:10]}: {said['summary']}")
    print_table(
        ("verdict", "cause", "why"),
        [(each["verdict"], each["means"], each["why"]) for each in said["causes"]],
    )


def _row(found: dict[str, Any]) -> list[str]:
    last = " ".join(str(found[key]) for key in ("outcome", "status", "reason") if found[key])
    times = {
        key: _time(found[key]) for key in ("enrolled_at", "checked_in_at", "checked_out_at", "superseded_at")
    }
    return [
        found["token"], found["device"] or "", times["enrolled_at"], last, times["checked_in_at"],
        times["checked_out_at"], times["superseded_at"],
    ]  # fmt: skip


def _time(seconds: float | None) -> str:
    return "" if seconds is None else local_time(seconds)
