"""``pushgate doctor``."""

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.run import run

if TYPE_CHECKING:
    from pushgate.cli.doctor.examinee import Examinee
    from pushgate.plugin.examination import Examination


@click.command("doctor", short_help="Find what is wrong, before or while a gateway runs.")
@click.option(
    "--config", "file", metavar="FILE", type=click.Path(path_type=Path),
    help="The gateway's configuration; without it what a gateway without one has is examined.",
)  # fmt: skip
@options.plugins
@click.option("--app", metavar="A", help="Examine this app only.")
@click.option("--offline", is_flag=True, help="Use no network: look at the configuration and its files.")
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(0.1, 600), default=10.0, show_default=True,
    help="For each step on the network.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Warnings make the exit status 1, too.")
@gateway_address.to_configured
@options.as_json
def command(
    file: Path | None,
    directories: tuple[Path, ...],
    app: str | None,
    offline: bool,
    timeout: float,
    strict: bool,
    to: gateway_address.GatewayAddress,
    as_json: bool,
) -> None:
    """Find what is wrong: configuration, files, network, push services, the running gateway.

    Each finding is ok, a warning or a failure, with what it means and what to do. Nothing is sent to a
    device, nothing that a gateway needs is taken, and no secret is shown. Run it as the user that the gateway
    runs as, on its machine: what may be read and reached depends on both.

    The exit status is 0 when nothing failed, 1 when something did, and 78 when the configuration cannot be
    read.
    """
    from pushgate.cli.doctor.examinee import Examinee

    examinee = Examinee(file, directories, app, to)
    run(lambda reactor: _examine(examinee, _examination(reactor, timeout, offline), strict, as_json))


async def _examine(examinee: "Examinee", examination: "Examination", strict: bool, as_json: bool) -> None:
    from pushgate.cli.doctor.parts import parts
    from pushgate.cli.doctor.report import JSONReport, TextReport
    from pushgate.model.finding import Level
    from pushgate.plugin.checks import guarded

    report = JSONReport() if as_json else TextReport()
    for part in parts(examinee, examination):
        report.begin(part)
        async for finding in guarded(part.findings, examination):
            report.found(part, finding)
    report.end()
    bad = {Level.FAILURE, Level.WARNING} if strict else {Level.FAILURE}
    if not examinee.is_read:
        raise SystemExit(78)
    raise SystemExit(1 if bad & report.levels.keys() else 0)


def _examination(reactor: Any, timeout: float, offline: bool) -> "Examination":
    from pushgate.model.metrics import Metrics
    from pushgate.plugin.context import Context
    from pushgate.plugin.examination import Examination

    context = Context(reactor=reactor, wall=time.time, jitter=random.random, metrics=Metrics())
    return Examination(context=context, timeout=timeout, offline=offline)
