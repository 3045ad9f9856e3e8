"""``pushgate demo``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pushgate.cli import options
from pushgate.cli.output import fail, print_json
from pushgate.cli.run import run
from pushgate.model.errors import PushgateError

if TYPE_CHECKING:
    from pushgate.cli.demo.directory import DemoDirectory
    from pushgate.cli.demo.run import DemoResult
    from pushgate.cli.demo.services import DemoService


@click.command("demo")
@click.option(
    "--count", type=click.IntRange(10, 1_000_000), default=20_000, show_default=True,
    help="How many notifications are pushed.",
)  # fmt: skip
@click.option(
    "--dir", "directory", metavar="DIR", type=click.Path(path_type=Path), default=Path("pushgate-demo"),
    show_default=True, help="Where its files are kept; a former demo's are replaced.",
)  # fmt: skip
@click.option(
    "--upstream", type=click.Choice(["apns-stream", "apns-http2"]), default="apns-stream", show_default=True,
    help="Apple's binary stream, as it was, or its HTTP/2 API of today.",
)  # fmt: skip
@options.as_json
def command(count: int, directory: Path, upstream: str, as_json: bool) -> None:
    """Watch notifications survive dead tokens and lost connections.

    A gateway and a simulated push service start, each as a process of its own, and speak TLS on loopback.
    Notifications are pushed to the gateway over AMP; one in a hundred has a dead token, and on the way the
    push service once says that it shuts down and once closes a connection without a word. In the end, what
    the gateway reported of each notification is checked against what the push service received.

    The exit status is 1 when the check fails.
    """
    run(lambda reactor: _demo(reactor, count, directory, upstream, as_json))


async def _demo(reactor: Any, count: int, directory: Path, upstream: str, as_json: bool) -> None:
    from twisted.internet.defer import CancelledError

    from pushgate.cli.demo.directory import DemoDirectory
    from pushgate.cli.demo.report import figures, report
    from pushgate.cli.demo.services import SERVICES

    files, service = DemoDirectory(directory), SERVICES[upstream]
    try:
        result = await _run(reactor, files, count, service, as_json)
    except PushgateError as error:
        fail([str(error), _stopped(files)])
    except CancelledError:
        click.echo(_stopped(files), err=True)
        raise
    if as_json:
        print_json(figures(result, files))
    else:
        report(result, files, service)
    if not result.audit.ok:
        fail(["the audit failed:", *(f"  {fault}" for fault in result.audit.faults)])


async def _run(
    reactor: Any, files: "DemoDirectory", count: int, service: "DemoService", as_json: bool
) -> "DemoResult":
    from pushgate.cli.demo.devices import devices
    from pushgate.cli.demo.run import DemoRun
    from pushgate.cli.progress import showing_of

    def say(line: str) -> None:
        click.echo(line, err=as_json)

    targets = devices(count)
    say(
        f"{count:,} notifications over {service.upstream}, {len(targets.dead):,} of them to dead tokens; "
        f"{service.faults}"
    )
    showing = showing_of(count, as_json)
    try:
        return await DemoRun(files, targets, service, say, showing.show, reactor).run()
    finally:
        showing.close()


def _stopped(files: "DemoDirectory") -> str:
    logs = f"{files.gateway_log}, {files.simulator_log}"
    return f"the demo was stopped, with all that it had started\nlogs: {logs}"
