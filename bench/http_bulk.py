"""What a bulk of 500 over HTTP is worth against single POSTs: notifications a second through one input.

The rounds alternate between the two. A far end takes what the gateway sends, so that sending costs both what
it does in life.

    python -m bench.http_bulk [--rounds 3] [--seconds 4] [--connections 8] [--spool memory|durable]
"""

import argparse
import contextlib
import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.parts import (
    BATCH,
    free_port,
    gateway_config,
    python,
    running,
    spread,
    twistd,
    wait_for_port,
    workspace,
)  # fmt: skip
from pushgate.simulator.certificates import Certificates

GOOD = 80
"""How many times the notifications a second of single POSTs those of bulk ones are to be."""


def rate(port: int, connections: int, seconds: int, count: int) -> float:
    """Notifications a second of a client that posts `count` at a time, 0 for single ones."""
    with running(*python("outside_http.py", port, connections, seconds, count)) as client:
        assert client.stdout is not None
        reported = client.stdout.read().strip()
        client.wait(20)
    return float(reported)


@contextlib.contextmanager
def gateway(directory: Path, certificates: Certificates, far_end: int, state: str) -> Iterator[int]:
    """A gateway with an HTTP input; its port."""
    amp, port = free_port(), free_port()
    config = gateway_config(directory, certificates, far_end, amp, state, max_payload=4096)
    table = f'[inputs.http]\ntype = "http"\nlisten = "tcp:{port}:interface=127.0.0.1"\n'
    config.write_text(config.read_text() + table)
    with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as process:
        wait_for_port(port, process)
        yield port


def measured(arguments: argparse.Namespace, port: int) -> list[float]:
    """Print the rates of each round; return the ratios."""
    ratios = []
    for number in range(arguments.rounds):
        single = rate(port, arguments.connections, arguments.seconds, 0)
        bulk = rate(port, arguments.connections, arguments.seconds, BATCH)
        ratios.append(bulk / single)
        print(
            f"round {number + 1}: single {single:,.0f}/s, bulk of {BATCH} {bulk:,.0f}/s,"
            f" ratio {ratios[-1]:.0f}",
            flush=True,
        )
    return ratios


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--spool", choices=["memory", "durable"], default="durable")
    arguments = parser.parse_args()
    with workspace() as (directory, certificates), contextlib.ExitStack() as stack:
        state = "memory"
        if arguments.spool == "durable":
            state = stack.enter_context(TemporaryDirectory(dir=directory))
        port = free_port()
        far_end = stack.enter_context(running(*python("far_end.py", port, certificates.server)))
        wait_for_port(port, far_end)
        ratios = measured(arguments, stack.enter_context(gateway(directory, certificates, port, state)))
    print(spread("bulk / single", ratios, ""))
    good = statistics.median(ratios) >= GOOD
    print(f"at least {GOOD}: {'yes' if good else 'NO'}")
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
