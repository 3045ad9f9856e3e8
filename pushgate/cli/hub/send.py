"""``pushgate hub send``."""

import json
from typing import TYPE_CHECKING, Any, Final

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.hub.options import FORMATS, Time, hub, pair
from pushgate.cli.output import print_json, print_table
from pushgate.cli.run import run

if TYPE_CHECKING:
    from pushgate.client import HubSend

_TEST_WAIT: Final = 75.0
"""Seconds for the answer to a test send, which waits up to a minute for outcomes."""


@click.command("send", short_help="Send to all devices that a tag expression finds.")
@hub
@click.option("--tags", metavar="EXPRESSION", help="Such as 'news && !trial'. Without it: to all devices.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="What the payload is made for.")
@click.option("--payload", metavar="TEXT", help="The payload, sent as it is: JSON, or XML for Windows.")
@click.option("--alert", metavar="TEXT", help="Instead of a payload of Apple's: the text to show.")
@click.option(
    "--property", "properties", metavar="NAME=VALUE", multiple=True,
    help="A property for templates; may be given several times, in place of a payload.",
)  # fmt: skip
@click.option(
    "--header", "headers", metavar="NAME=VALUE", multiple=True,
    help="A header for the push service, such as apns-priority=5; may be given several times.",
)  # fmt: skip
@click.option(
    "--schedule",
    type=Time(),
    metavar="TIME",
    help="When: Unix seconds, a date and time (of this machine's zone unless it names one), or +30m. At once"
    " when it has passed.",
)
@click.option("--test", is_flag=True, help="Send to ten devices at most, and wait for their outcomes.")
@gateway_address.to
@options.as_json
def send(to: gateway_address.GatewayAddress, as_json: bool, hub: str, **what: Any) -> None:
    """Send to all devices that a tag expression finds; print the id of the send, and its state.

    `pushgate hub details ID` says what becomes of it. The exit status is 1 when the gateway refuses it, or
    when a notification of a test does not arrive.
    """
    arguments = _arguments(**what)
    run(lambda reactor: _send(reactor, hub, arguments, to, as_json))


def _arguments(
    form: str | None,
    payload: str | None,
    alert: str | None,
    properties: tuple[str, ...],
    headers: tuple[str, ...],
    tags: str | None,
    **rest: Any,
) -> dict[str, Any]:
    """What is sent, and to which devices, as `HubClient.send_to_tags` takes it."""
    if (payload is not None) + (alert is not None) + bool(properties) != 1:
        raise click.UsageError("either --payload or --alert or --property is needed")
    if alert is not None:
        form, payload = _fits(form, "apple", "--alert"), _json({"aps": {"alert": alert}})
    elif properties:
        found = dict(pair(each, "--property") for each in properties)
        form, payload = _fits(form, "template", "--property"), _json(found)
    if form is None:
        raise click.UsageError("--format is needed with --payload")
    if rest["test"] and rest["schedule"] is not None:
        raise click.UsageError("--test sends at once: not with --schedule")
    chosen = dict(pair(each, "--header") for each in headers) or None
    return {"format": form, "payload": payload, "expression": tags, "headers": chosen, **rest}


def _fits(form: str | None, only: str, option: str) -> str:
    if form not in (None, only):
        raise click.UsageError(f"{option} is for --format {only}; --payload has what others take")
    return only


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


async def _send(
    reactor: Any, hub: str, what: dict[str, Any], to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    timeout = _TEST_WAIT if what["test"] else 10.0
    async with gateway_address.reach(reactor, to, timeout) as gateway:
        sent = await gateway.hub(hub).send_to_tags(**what)
    if as_json:
        results = {"results": list(sent.results)} if what["test"] else {}
        print_json({"id": sent.id, "state": sent.state, **results})
    else:
        click.echo(f"{sent.id}  {sent.state}")
        _print_results(sent)
    if not all(each["succeeded"] for each in sent.results):
        raise SystemExit(1)


def _print_results(sent: "HubSend") -> None:
    from pushgate.model.printable import escaped

    columns = ("platform", "handle", "registration", "outcome")
    if sent.results:
        print_table(columns, [[escaped(str(each[name])) for name in columns] for each in sent.results])
