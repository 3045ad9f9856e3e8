"""How much memory a queued notification holds: batches of 500 for a push service that nobody runs.

python -m bench.memory [--count 500000] [--rounds 3] [--payloads shared|each]
"""

import argparse
import statistics

import psutil

from bench.parts import free_port, gateway_config, python, running, spread, twistd, wait_for_port, workspace
from bench.throughput import ask

LIMIT = 250
"""Bytes a queued notification may hold."""


def held(count: int, payloads: str) -> float:
    """Bytes of resident memory for each of `count` queued notifications."""
    amp = free_port()
    with workspace() as (directory, certificates):
        config = gateway_config(directory, certificates, free_port(), amp)
        with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as gateway:
            wait_for_port(amp, gateway)
            process = psutil.Process(gateway.pid)
            push(amp, 5000, payloads)  # everything is imported and warm
            before = process.memory_info().rss
            push(amp, count, payloads)
            return (process.memory_info().rss - before) / count


def push(amp: int, count: int, payloads: str) -> None:
    """Push `count` notifications and wait for the last answer."""
    with running(*python("pusher.py", amp, count, payloads, 8)) as pusher:
        ask(pusher, "go")
        pusher.wait(120)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--payloads", choices=["shared", "each"], default="each")
    arguments = parser.parse_args()
    values = [held(arguments.count, arguments.payloads) for _ in range(arguments.rounds)]
    print(
        spread(f"held by each of {arguments.count:,} queued ({arguments.payloads})", values, " bytes", ".0f")
    )
    good = statistics.median(values) <= LIMIT
    print(f"at most {LIMIT} bytes: {'yes' if good else 'NO'}")
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
