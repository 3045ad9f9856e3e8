"""A hub with a million devices: from a send to its first target, all targets, and a broadcast beside batches.

    python -m bench.hub [--count 1000000] [--store sqlite|postgresql]

The far end takes everything and costs next to nothing. The broadcast goes to every device; the same tokens
are then pushed in batches of 500 over AMP, through a gateway without a hub. Prints both rates and their
ratio, the time to the first target of an expression, and the gateway's memory.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from bench.hub_stand import HubClient, hub_tables
from bench.parts import (
    PAYLOAD,
    frame_size,
    free_port,
    gateway_config,
    python,
    running,
    spread,
    twistd,
    wait_for_port,
    workspace,
)  # fmt: skip
from bench.throughput import ask
from pushgate.simulator.certificates import Certificates

EXPRESSION = "(a && b) || !c"
FIRST = 0.3
"""Seconds to the first target of the expression at most."""
SHARE = 0.5
"""Of the rate of batches over AMP, at least."""
MEMORY = 400.0
"""MB of the gateway at most."""


def fill(state: Path, store: str, count: int) -> float:
    """Import the registrations before the gateway runs; return the seconds it took, with its start."""
    state.mkdir()
    began = time.monotonic()
    with running(*python("hub_fill.py", state, store, count)) as filling:
        if filling.wait():
            raise SystemExit("the import failed")
    return time.monotonic() - began


@contextlib.contextmanager
def gateway(
    directory: Path, certificates: Certificates, port: int, tables: str
) -> Iterator[tuple[psutil.Process, int]]:
    """A gateway that runs, and its AMP port."""
    amp = free_port()
    state = str(directory / "state")
    config = gateway_config(directory, certificates, port, amp, state, response_timeout="1s")
    config.write_text(config.read_text() + tables)
    with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as process:
        wait_for_port(amp, process, 60)
        yield psutil.Process(process.pid), amp


def through_hub(far_end: Any, directory: Path, port: int, store: str, count: int) -> dict[str, float]:
    """What sends through the hub take: seconds, targets a second, MB."""
    certificates = Certificates.in_directory(directory / "certificates")
    listening = free_port()
    tables = hub_tables(directory, listening, store)
    with gateway(directory, certificates, port, tables) as (process, _):
        hub, size = HubClient(listening), frame_size()
        began = time.monotonic()
        hub.send(PAYLOAD, EXPRESSION)
        first = float(ask(far_end, f"wait {size}")) - began
        matching = sum(bool((i % 2 and i % 3) or i % 5) for i in range(count))
        found = matching / (float(ask(far_end, f"wait {matching * size}")) - began)
        ask(far_end, "reset")
        began = time.monotonic()
        hub.send(PAYLOAD)
        everything = count / (float(ask(far_end, f"wait {count * size}")) - began)
        memory = process.memory_info().rss / 1e6
    return {"first": first, "found": found, "everything": everything, "memory": memory}


def through_batches(far_end: Any, directory: Path, port: int, count: int) -> float:
    """Notifications a second of the same tokens in batches over AMP."""
    certificates = Certificates.in_directory(directory / "certificates")
    plain = directory / "plain"
    plain.mkdir()
    ask(far_end, "reset")
    with (
        gateway(plain, certificates, port, "") as (_, amp),
        running(*python("pusher.py", amp, count, "shared", 8)) as pusher,
    ):
        began = float(ask(pusher, "go"))
        return count / (float(ask(far_end, f"wait {count * frame_size()}")) - began)


def measure(store: str, count: int) -> bool:
    """Measure and print; return whether everything is reached."""
    with workspace() as (directory, certificates):
        seconds = fill(directory / "state", store, count)
        print(spread("import", [seconds], " s"))
        port = free_port()
        with running(*python("far_end.py", port, certificates.server)) as far_end:
            wait_for_port(port, far_end)
            hub = through_hub(far_end, directory, port, store, count)
            batches = through_batches(far_end, directory, port, count)
    share = hub["everything"] / batches
    print(spread(f"first target of {EXPRESSION}", [hub["first"] * 1000], " ms"))
    print(spread(f"all targets of {EXPRESSION}", [hub["found"]], "/s"))
    print(spread("a broadcast", [hub["everything"]], "/s"))
    print(spread("the same in batches over AMP", [batches], "/s"))
    print(spread("broadcast / batches", [share], ""))
    print(spread("memory", [hub["memory"]], " MB"))
    good = hub["first"] <= FIRST and share >= SHARE and hub["memory"] <= MEMORY
    wanted = f"first at most 300 ms, ratio at least {SHARE}, memory at most {MEMORY:.0f} MB"
    print(f"{wanted}: {'yes' if good else 'NO'}")
    return good


def main() -> None:
    """Measure, on a database of the chosen kind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    if arguments.store == "sqlite":
        sys.exit(not measure("sqlite", arguments.count))
    server: Any = import_module("tests.postgresql_rig").PostgresqlServer()
    try:
        server.start()
        sys.exit(not measure(server.url, arguments.count))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
