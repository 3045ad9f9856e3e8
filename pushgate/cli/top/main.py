"""``pushgate top``."""

import os
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.run import run


@click.command("top", short_help="Show what a gateway does, until q or Ctrl-C.")
@click.option(
    "--interval", metavar="SECONDS", type=click.FloatRange(0.2, 3600), default=1.0, show_default=True,
    help="From one refresh to the next.",
)  # fmt: skip
@click.option("--count", metavar="N", type=click.IntRange(1), help="End after so many refreshes.")
@gateway_address.to
@options.as_json
def command(interval: float, count: int | None, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Show the activity of a gateway until q or Ctrl-C: current rates, queues, and problems.

    Apps with an open circuit come first, then the busiest ones. A bar shows the outcomes of a refresh. In a
    pipe each refresh is text without colours; with --json an object on a line: the gateway's answer with
    `rates`.
    """
    run(lambda reactor: _top(reactor, to, interval, count, as_json))


async def _top(
    reactor: Any, to: gateway_address.GatewayAddress, interval: float, count: int | None, as_json: bool
) -> None:
    from pushgate.cli.top.display import JSONLines, Pages, Screen
    from pushgate.service.process_facts import versions

    people = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    kind = JSONLines if as_json else Screen if people else Pages
    looking = partial(_looking, reactor, to, kind(str(to), versions(), time.time), interval, count)
    if kind is Screen:
        await _until_quit(reactor, looking)
    else:
        await looking()


async def _looking(
    reactor: Any, to: gateway_address.GatewayAddress, display: Any, interval: float, count: int | None
) -> None:
    """Connect, then start the display: until then lines are written to stderr."""
    from pushgate.cli.top.loop import refresh

    async with gateway_address.reach(reactor, to, say=display.say) as gateway:
        with display:
            await refresh(gateway, display, reactor, interval, count)


async def _until_quit(reactor: Any, looking: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run until a key of `QUIT` is pressed, which is not a failure."""
    from twisted.internet.defer import CancelledError, Deferred

    from pushgate.cli.top.keys import keys

    pressed: list[bool] = []
    shown = Deferred.fromCoroutine(looking())

    def quit_pressed() -> None:
        pressed.append(True)
        shown.cancel()

    with keys(reactor, quit_pressed):
        try:
            await shown
        except CancelledError:
            if not pressed:
                raise
