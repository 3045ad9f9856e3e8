"""What a single POST costs: CPU of the gateway for one notification over HTTP/1.1, its spool in memory.

python -m bench.http_post [--seconds 4] [--connections 8] [--rounds 3]
"""

import argparse
from pathlib import Path

import psutil

from bench.http_bulk import rate
from bench.parts import (
    free_port,
    gateway_config,
    python,
    running,
    spread,
    twistd,
    wait_for_port,
    workspace,
)
from pushgate.simulator.certificates import Certificates


def cost(process: psutil.Process, port: int, arguments: argparse.Namespace) -> tuple[float, float]:
    """Microseconds of CPU for a POST, and POSTs a second."""
    before = process.cpu_times()
    rate_of_posts = rate(port, arguments.connections, arguments.seconds, 0)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return used * 1e6 / (rate_of_posts * arguments.seconds), rate_of_posts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        far_port = free_port()
        with running(*python("far_end.py", far_port, certificates.server)) as far_end:
            wait_for_port(far_port, far_end)
            measure(directory, certificates, far_port, arguments)


def measure(
    directory: Path, certificates: Certificates, far_port: int, arguments: argparse.Namespace
) -> None:
    """Run a gateway, and post to it."""
    port = free_port()
    config = gateway_config(directory, certificates, far_port, free_port(), max_payload=4096)
    table = f'[inputs.http]\ntype = "http"\nlisten = "tcp:{port}:interface=127.0.0.1"\n'
    config.write_text(config.read_text() + table)
    with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as gateway:
        wait_for_port(port, gateway)
        process = psutil.Process(gateway.pid)
        rounds = [cost(process, port, arguments) for _ in range(arguments.rounds)]
    print(spread("CPU for a POST", [used for used, _ in rounds], " us", ".0f"))
    print(spread("POSTs", [posts for _, posts in rounds], "/s", ",.0f"))


if __name__ == "__main__":
    main()
