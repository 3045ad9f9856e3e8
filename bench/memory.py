"""How much memory a queued notification holds: batches of 500 for a push service that does not run.

python -m bench.memory [--count 500000] [--rounds 3] [--payloads shared|each] [--spool memory|durable]

With the durable spool what does not fit into memory waits on the disk: then the whole process has a bound.
"""

import argparse
import statistics
from typing import Final

import psutil

from bench.parts import free_port, gateway_config, python, running, spread, twistd, wait_for_port, workspace
from bench.throughput import ask

LIMIT = 250
"""Bytes a queued notification may hold."""
WHOLE: Final = 300
"""MB that a gateway with the durable spool may have resident, whatever waits."""


def held(count: int, payloads: str, spool: str) -> tuple[float, float]:
    """Bytes of resident memory for each of `count` queued notifications, and MB of the whole gateway."""
    amp = free_port()
    with workspace() as (directory, certificates):
        state = str(directory / "state") if spool == "durable" else "memory"
        config = gateway_config(directory, certificates, free_port(), amp, state)
        with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as gateway:
            wait_for_port(amp, gateway)
            process = psutil.Process(gateway.pid)
            push(amp, 5000, payloads)  # everything is imported and warm
            before = process.memory_info().rss
            push(amp, count, payloads)
            after = process.memory_info().rss
            return (after - before) / count, after / 1e6


def push(amp: int, count: int, payloads: str) -> None:
    """Push `count` notifications and wait for the last answer."""
    with running(*python("pusher.py", amp, count, payloads, 8)) as pusher:
        ask(pusher, "go")
        if pusher.wait(400):
            raise SystemExit("pushing failed")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--payloads", choices=["shared", "each"], default="each")
    parser.add_argument("--spool", choices=["memory", "durable"], default="memory")
    arguments = parser.parse_args()
    count, payloads, spool = arguments.count, arguments.payloads, arguments.spool
    values, wholes = zip(*(held(count, payloads, spool) for _ in range(arguments.rounds)), strict=True)
    print(spread(f"held by each of {count:,} queued ({payloads}, {spool} spool)", values, " bytes", ".0f"))
    print(spread("resident memory of the gateway", wholes, " MB", ".0f"))
    if spool == "durable":
        good = statistics.median(wholes) <= WHOLE
        print(f"at most {WHOLE} MB: {'yes' if good else 'NO'}")
    else:
        good = statistics.median(values) <= LIMIT
        print(f"at most {LIMIT} bytes: {'yes' if good else 'NO'}")
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
