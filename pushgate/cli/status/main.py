"""``pushgate status``."""

import time
from typing import Any

import click
import msgspec

from pushgate.cli import gateway_address, options
from pushgate.cli.output import print_json
from pushgate.cli.run import run


@click.command("status", short_help="Show how a gateway is doing, and what is wrong.")
@gateway_address.to
@options.as_json
def command(to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Show the state of a gateway: apps, circuits, queues, sinks, hubs, and problems.

    A principal that is limited to some apps sees only these. With --json, the gateway's answer with
    `findings`.
    """
    run(lambda reactor: _status(reactor, to, as_json))


async def _status(reactor: Any, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    from pushgate.cli.status.asking import asked
    from pushgate.model.health.judgement import troubles
    from pushgate.service.process_facts import versions

    async with gateway_address.reach(reactor, to) as gateway:
        answer, stats = await asked(gateway)
    now = time.time()
    troubled = troubles(stats, versions(), now)
    if as_json:
        findings = [{"part": part, **msgspec.to_builtins(finding)} for part, finding in troubled]
        print_json({**answer, "findings": findings})
    else:
        from pushgate.cli.status.view import console, show, whole

        width = console().width
        show(whole(stats, str(to), now if stats.at is None else stats.at, troubled, width))
