"""A gateway as it runs in production, and a push service with dead tokens, for the benchmarks.

The spool is durable, there is a metrics sink, outcomes go to a jsonl file if they are wanted, and submissions
come over AMP.
"""

import contextlib
import json
import re
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.request import urlopen

import psutil

from bench.parts import DEAD, app_table, free_port, python, running, twistd, wait_for_port
from pushgate.simulator.certificates import Certificates

ATONCE = "100ms"
"""Response timeout: the outcomes of what is not refused fall into the measurement."""
PATIENCE = 300
"""Seconds that a round may take."""
OUTCOMES = re.compile(r'^pushgate_outcomes_total\{.*state="([^"]+)".*\} (\S+)$', re.MULTILINE)
SENT = {"presumed", "accepted"}
"""The states that a notification to a living token may end in."""


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


@contextlib.contextmanager
def service(certificates: Certificates, other: str = "") -> Iterator[Service]:
    """A push service that has seen nothing; fails at the end when it accepted something twice.

    :param other: a command to run in place of ours, with {port}, {stat_port}, {certificate}, {authority}.
    """
    port, stat_port = free_port(), free_port()
    command = list(python("dead_far_end.py", port, stat_port, certificates.server, certificates.ca))
    if other:
        command = other.format(
            port=port, stat_port=stat_port, certificate=certificates.server, authority=certificates.ca
        ).split()
    with running(*command) as process:
        wait_for_port(stat_port, process)
        yield Service(process, port, stat_port)
        process.terminate()
        check_service(process.communicate(timeout=30)[0])


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


class Records:
    """The outcome records in a file that a gateway writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = self._seen = 0

    def wait_for(self, count: int) -> None:
        """Return when so many notifications have an outcome."""
        end = time.monotonic() + PATIENCE
        while self._look() < count:
            if time.monotonic() > end:
                raise SystemExit(f"outcomes are missing: {self._seen:,} of {count:,}")
            time.sleep(0.1)

    def _look(self) -> int:
        with self.path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]
        self._read += len(new)
        self._seen += new.count(b"\n") - new.count(b'"corrects":true')
        return self._seen

    def check(self, expected: Mapping[str, tuple[int, int]]) -> None:
        """Fail when an outcome is missing, there twice, or wrong.

        :param expected: of each app how many notifications were sent, and how many of them to dead tokens.
        """
        last: dict[str, dict[str, Any]] = {}
        for record in map(json.loads, self.path.read_text().splitlines()):
            if record["token"] in last and not record["corrects"]:
                raise SystemExit(f"two outcomes: {last[record['token']]}, {record}")
            last[record["token"]] = record
        states = Counter(
            (each["app"], "sent" if each["state"] in SENT else each["state"], token.startswith(DEAD.hex()))
            for token, each in last.items()
        )
        wanted: Counter[tuple[str, str, bool]] = Counter()
        for app, (count, dead) in expected.items():
            wanted += Counter({(app, "sent", False): count - dead, (app, "rejected", True): dead})
        if states != wanted:
            raise SystemExit(f"wrong outcomes: {states}, not {wanted}")

    def clear(self) -> None:
        """Empty the file."""
        self.path.write_bytes(b"")
        self._read = self._seen = 0


class Gateway(NamedTuple):
    """A gateway that runs, its AMP port and the port of its metrics."""

    process: psutil.Process
    amp: int
    metrics: int

    def spent(self) -> float:
        """CPU seconds so far, by Linux' clock of another process: what psutil reads counts in ticks."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def resident(self) -> float:
        """MB of memory."""
        found: int = self.process.memory_info().rss
        return found / 1e6

    def outcomes(self) -> Counter[str]:
        """How many outcomes of each state there were, corrections included."""
        found: Counter[str] = Counter()
        with urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=60) as answer:
            for state, count in OUTCOMES.findall(answer.read().decode()):
                found[state] += int(float(count))
        return found


@contextlib.contextmanager
def gateway(
    directory: Path,
    certificates: Certificates,
    apps: Mapping[str, Mapping[str, object]],
    records: Records | None,
) -> Iterator[Gateway]:
    """A gateway with an empty spool.

    :param apps: the settings of each, of which `port` is needed.
    :param records: where its outcomes go, emptied at first; None for none but the metrics.
    """
    amp, metrics = free_port(), free_port()
    with TemporaryDirectory(dir=directory) as name:
        config = Path(name) / "pushgate.toml"
        tables = [
            *app_tables(certificates, apps), *listening_table("inputs.amp", "amp", amp),
            *sink_tables(metrics, records),
        ]  # fmt: skip
        state = json.dumps(str(Path(name) / "state"))
        head = ["[gateway]", f"state_dir = {state}", "queue_limit = 10000000", 'drain_timeout = "2s"']
        config.write_text("\n".join([*head, *tables, ""]))
        with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as process:
            wait_for_port(amp, process)
            wait_for_port(metrics, process)
            yield Gateway(psutil.Process(process.pid), amp, metrics)


def app_tables(certificates: Certificates, apps: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The lines that configure these apps."""
    return [
        line
        for name, settings in apps.items()
        for line in app_table(name, certificates, response_timeout=ATONCE, **settings)
    ]


def listening_table(table: str, kind: str, port: int) -> list[str]:
    """The lines that configure an input or a sink that listens."""
    return [f"[{table}]", f'type = "{kind}"', f'listen = "tcp:{port}:interface=127.0.0.1"']


def sink_tables(metrics: int, records: Records | None) -> list[str]:
    """The lines that configure the metrics, and outcomes to a file that is empty from now on."""
    tables = listening_table("sinks.metrics", "metrics", metrics)
    if records is not None:
        records.clear()
        tables += ["[sinks.file]", 'type = "jsonl"', f"path = {json.dumps(str(records.path))}"]
    return tables
