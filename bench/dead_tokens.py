"""How fast the gateway is when tokens are dead, beside itself when none is, and what each dead one costs.

Each dead token ends the connection it was sent on, and what was written after it is sent again. The rounds
alternate; durable spool, outcomes to jsonl, metrics on, a payload each, over AMP.

    python -m bench.dead_tokens [--count 100000] [--dead 0.01] [--connections 8] [--rounds 5]
                                [--blind] [--service COMMAND]

Checks in every round that the service accepted each live token once, and that the outcomes say so.
With --blind, beside a sender that writes ahead, waits until the service has closed the connection that had
an error, and goes on behind it. COMMAND starts another push service; in it {port}, {stat_port},
{certificate} and {authority} are replaced.
"""

import argparse
import contextlib
import json
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import psutil

from bench.parts import (
    DEAD,
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

ATONCE = "100ms"
"""Response timeout: the outcomes of what is not refused fall into the measurement."""
PATIENCE = 300
"""Seconds that a round may take."""


class Round(NamedTuple):
    """What one round came to.

    :ivar rate: notifications a second until the service had accepted the last live one.
    :ivar cost: CPU seconds of the sender.
    """

    rate: float
    cost: float


class Service(NamedTuple):
    """A push service under test conditions."""

    process: "subprocess.Popen[str]"
    port: int
    stat_port: int

    def stats(self) -> dict[str, Any]:
        """Its counters."""
        with socket.create_connection(("127.0.0.1", self.stat_port), 5) as asking:
            found: dict[str, Any] = json.loads(b"".join(iter(lambda: asking.recv(1 << 16), b"")))
        return found

    def wait_for(self, accepted: int) -> float:
        """The monotonic time at which it has accepted so many."""
        end = time.monotonic() + PATIENCE
        while (now := time.monotonic()) < end:
            if self.stats()["accepted"] >= accepted:
                return now
            time.sleep(0.005)
        raise SystemExit(f"{self.stats()} after {PATIENCE} s, {accepted} wanted")


class Stand(NamedTuple):
    """What all rounds have in common."""

    directory: Path
    certificates: Certificates
    arguments: argparse.Namespace

    @contextlib.contextmanager
    def service(self) -> Iterator[Service]:
        """A push service that has seen nothing."""
        port, stat_port = free_port(), free_port()
        server, authority = self.certificates.server, self.certificates.ca
        command = list(python("dead_far_end.py", port, stat_port, server, authority))
        if self.arguments.service:
            command = self.arguments.service.format(
                port=port, stat_port=stat_port, certificate=server, authority=authority
            ).split()
        with running(*command) as process:
            wait_for_port(stat_port, process)
            yield Service(process, port, stat_port)
            process.terminate()
            check_service(process.communicate(timeout=30)[0])

    def gateway(self, dead: float) -> Round:
        """Push all through a gateway."""
        count, connections = self.arguments.count, self.arguments.connections
        amp, metrics = free_port(), free_port()
        with self.service() as service, TemporaryDirectory(dir=self.directory) as state:
            config = gateway_config(
                self.directory, self.certificates, service.port, amp, state,
                connections=connections, response_timeout=ATONCE,
            )  # fmt: skip
            records = Path(state) / "outcomes.jsonl"
            config.write_text(
                f'{config.read_text()}[sinks.file]\ntype = "jsonl"\npath = {json.dumps(str(records))}\n'
                f'[sinks.metrics]\ntype = "metrics"\nlisten = "tcp:{metrics}:interface=127.0.0.1"\n'
            )
            with running(*twistd("pushgate", "--config", config), log=self.directory / "log") as gateway:
                wait_for_port(amp, gateway)
                process = psutil.Process(gateway.pid)
                with running(*python("pusher.py", amp, count, "each", 8, dead)) as pusher:
                    before = sum(process.cpu_times()[:2])
                    began = float(ask(pusher, "go"))
                    ended = service.wait_for(count - round(count * dead))
                    pusher.wait(20)
                    wait_for_records(records, count)
                    spent = sum(process.cpu_times()[:2]) - before
            check_records(records, count, round(count * dead))
        return Round(count / (ended - began), spent)

    def blind(self, dead: float) -> Round:
        """Push all by the blind sender."""
        count = self.arguments.count
        with self.service() as service, running(*python(
            "blind_sender.py", service.port, self.certificates.client, self.certificates.ca, count, dead
        )) as sender:  # fmt: skip
            assert sender.stdout is not None
            began = float(sender.stdout.readline())
            ended = service.wait_for(count - round(count * dead))
            process = psutil.Process(sender.pid)
            spent = sum(process.cpu_times()[:2])
        return Round(count / (ended - began), spent)


def check_service(summary: str) -> None:
    """Fail when something was accepted twice."""
    line = next(line for line in summary.splitlines() if line.startswith("{"))
    seen = json.loads(line)
    if seen["accepted"] != seen.get("different", seen["accepted"]):
        raise SystemExit(f"accepted twice: {line}")
    print(
        f"  the service: {seen['connections']} connections, {seen['errors_sent']} errors,"
        f" {seen['discarded']} discarded"
    )


def wait_for_records(records: Path, count: int) -> None:
    """Return when every notification has an outcome."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if records.exists() and records.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.1)
    raise SystemExit("outcomes are missing")


def check_records(records: Path, count: int, dead: int) -> None:
    """Fail when an outcome is missing, there twice, or wrong."""
    last: dict[str, dict[str, Any]] = {}
    for line in records.read_text().splitlines():
        record = json.loads(line)
        if "state" in record:
            last[record["token"]] = record
    states = Counter(
        (each["token"].startswith(DEAD.hex()), each["state"] == "rejected") for each in last.values()
    )
    if +states != +Counter({(False, False): count - dead, (True, True): dead}):
        raise SystemExit(f"wrong outcomes: {states}")


def measured(name: str, rounds: int, measures: dict[str, Callable[[], Round]]) -> dict[str, list[Round]]:
    """All rounds of all measures, in turns."""
    found: dict[str, list[Round]] = {each: [] for each in measures}
    for number in range(rounds):
        for each, measure in measures.items():
            found[each].append(measure())
            print(
                f"{name} {number + 1}: {each}: {found[each][-1].rate:,.0f}/s,"
                f" {found[each][-1].cost:.2f} s of CPU", flush=True,
            )  # fmt: skip
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--dead", type=float, default=0.01)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--service", default="")
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        stand = Stand(directory, certificates, arguments)
        measures = {
            "dead": lambda: stand.gateway(arguments.dead),
            "none dead": lambda: stand.gateway(0.0),
            **({"blind": lambda: stand.blind(arguments.dead)} if arguments.blind else {}),
        }
        found = measured("round", arguments.rounds, measures)
    report(found, round(arguments.count * arguments.dead))


def report(found: dict[str, list[Round]], dead: int) -> None:
    """Print what it comes to."""
    for name, rounds in found.items():
        print(spread(name, [each.rate for each in rounds], "/s", ",.0f"))
    pairs = list(zip(found["dead"], found["none dead"], strict=True))
    print(spread("rate / with none dead", [slow.rate / fast.rate for slow, fast in pairs], ""))
    costs = [(slow.cost - fast.cost) / dead * 1000 for slow, fast in pairs]
    print(spread("CPU of the gateway for a dead token", costs, " ms"))
    if "blind" in found:
        both = zip(found["dead"], found["blind"], strict=True)
        print(spread("rate / blind sender", [ours.rate / theirs.rate for ours, theirs in both], ""))


if __name__ == "__main__":
    main()
