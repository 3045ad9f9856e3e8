"""``pushgate trace``."""

from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import local_time, print_json
from pushgate.cli.run import run
from pushgate.model.history import Event


@click.command("trace", short_help="Trace a notification: how it came, what happened since.")
@click.argument("id")
@gateway_address.to
@options.as_json
def command(id: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:  # noqa: A002 - the contract's word
    """Trace the notification ID: accepted when and through which input, what happened since.

    What ended before the gateway was started is known if it has a ledger sink.
    """
    run(lambda reactor: _trace(reactor, id, to, as_json))


async def _trace(reactor: Any, number: str, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        story = await gateway.trace(number)
    if as_json:
        print_json(story)
        return
    for name in ("id", "app", "token", "state"):
        click.echo(f"{name:<6} {story[name] or 'not kept'}")
    began = story["events"][0]["at"]
    for event in story["events"]:
        click.echo(f"{_when(event['at'], began)}  {event['event']:<10}  {sentence(event)}".rstrip())


def sentence(event: dict[str, Any]) -> str:
    """What happened, in words."""
    name, where = event["event"], f"connection {event.get('connection')}"
    again = f"{event.get('reason')}; queued again"
    said = {
        "submitted": f"through {event.get('input') or 'an input whose name is not known'}",
        Event.WRITTEN: f"on {where}",
        Event.REFUSED: f"for now, on {where}: {again}",
        Event.DISCARDED: f"{where} ended for the sake of another: {again}",
        Event.LOST: f"{where} ended without a word about it: {again}",
        Event.RESTARTED: "the gateway was started, and found it in the spool",
    }
    if "state" in event:
        parts = [event["state"], event["status"], event["reason"]]
        outcome = " ".join(str(part) for part in parts if part not in {None, ""})
        return (
            f"{outcome}; it takes the place of what was reported before" if name == "correction" else outcome
        )
    if name == Event.DISCARDED and event.get("reason") == "Shutdown":
        return f"{where} was shut down by the push service before its turn; queued again"
    return said.get(name, "")


def _when(at: float, began: float) -> str:
    return f"{local_time(at)}.{int(at * 1000) % 1000:03d}  {at - began:+10.3f} s"
