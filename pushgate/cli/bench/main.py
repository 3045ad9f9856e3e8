"""``pushgate bench``."""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.bench.tokens import HEAD, MAX_PREFIX, BenchTokens
from pushgate.cli.output import print_json
from pushgate.cli.run import run
from pushgate.model.errors import PushgateError, UnknownApp

if TYPE_CHECKING:
    from pushgate.cli.bench.result import BenchResult
    from pushgate.client import Client

_HARMLESS: Final = "simulator"
"""The upstream behind which there are no devices."""


class NotConfirmed(PushgateError):
    """The app may have devices behind it, and --yes-send was not given."""


@click.command("bench", short_help="Measure a running gateway that has a test service.")
@options.app
@click.option(
    "--count", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True,
    help="How many notifications are pushed.",
)  # fmt: skip
@click.option(
    "--batch", type=click.IntRange(1, 1000), default=500, show_default=True, help="Notifications of a batch."
)
@click.option(
    "--in-flight", type=click.IntRange(1, 32), default=8, show_default=True,
    help="Batches that wait for their answers at a time.",
)  # fmt: skip
@click.option(
    "--payload", metavar="JSON", default='{"aps":{"alert":"pushgate bench"}}', show_default=True,
    help="The payload of all: a JSON object.",
)  # fmt: skip
@click.option("--dead-prefix", metavar="HEX", help="Tokens that begin so are dead to the push service.")
@click.option("--dead", type=click.FloatRange(0, 1), metavar="SHARE", help="Share of such tokens, as 0.01.")
@click.option(
    "--wait", type=click.FloatRange(0, min_open=True), metavar="SECONDS", default=60, show_default=True,
    help="How long to wait without an answer or an outcome before it ends.",
)  # fmt: skip
@click.option("--yes-send", is_flag=True, help="Send, although the app's upstream is no simulator.")
@gateway_address.to
@options.as_json
def command(
    app: str, count: int, dead_prefix: str | None, dead: float | None, as_json: bool, **rest: Any
) -> None:
    """Measure a running gateway: push notifications to random tokens, wait for all outcomes.

    It is meant for a gateway with a simulator, or another test service, behind it: each notification is sent
    to the push service of the app. Unless the gateway says that the app's upstream is `simulator`, which is
    inside the gateway, nothing is sent without --yes-send. It cannot see where any other upstream leads.

    The time to an outcome includes what the push service takes and, on the binary stream, response_timeout.
    Tokens that are rejected stay in the app's register of dead tokens.

    The exit status is 1 when a notification was refused or has no outcome.
    """
    chance = secrets.token_bytes(HEAD)
    tokens = BenchTokens(count, chance, _prefix(dead_prefix, dead), dead or 0.0)
    run(lambda reactor: _bench(reactor, app, tokens, as_json=as_json, **rest))


def _prefix(text: str | None, share: float | None) -> bytes:
    if (text is None) != (share is None):
        raise click.UsageError("--dead-prefix and --dead go together")
    try:
        prefix = bytes.fromhex(text or "")
    except ValueError:
        raise click.UsageError("--dead-prefix: must be an even number of hex digits") from None
    if not (text is None or 1 <= len(prefix) <= MAX_PREFIX):
        raise click.UsageError(f"--dead-prefix: must be 1 to {MAX_PREFIX} bytes")
    return prefix


async def _bench(reactor: Any, app: str, tokens: BenchTokens, *, as_json: bool, **how: Any) -> None:
    from pushgate.cli.bench.report import report
    from pushgate.cli.progress import showing_of

    showing = showing_of(tokens.count, as_json, err=True)
    try:
        result = await _measured(reactor, app, tokens, showing.show, **how)
    finally:
        showing.close()
    if as_json:
        print_json(result.figures())
    else:
        report(result, how["batch"])
    if not result.ok:
        raise SystemExit(1)


async def _measured(
    reactor: Any,
    app: str,
    tokens: BenchTokens,
    show: Callable[[int, int], None],
    *,
    to: gateway_address.GatewayAddress,
    yes_send: bool,
    **how: Any,
) -> "BenchResult":
    from pushgate.cli.bench.run import BenchPlan, BenchRun

    async with gateway_address.reach(reactor, to) as gateway:
        if not yes_send:
            await _check_harmless(gateway, app)
        return await BenchRun(BenchPlan(app=app, **how), tokens, show, reactor).run(gateway)


async def _check_harmless(gateway: "Client", app: str) -> None:
    """Raise `NotConfirmed` unless the gateway says that the app has a simulator of its own."""
    apps = (await gateway.stats())["apps"]
    if app not in apps:
        raise UnknownApp(app)
    upstream = apps[app]["upstream"]
    if upstream != _HARMLESS:
        raise NotConfirmed(
            f"nothing was sent: the upstream of {app} is {upstream}, which may lead to real devices; "
            "if it leads to a test service, add --yes-send"
        )
