"""The crash audit of a hub: gateways that are killed in the middle of a broadcast, against what devices got.

    python -m bench.hub_crash [--times 10] [--count 100000] [--delivery at-least-once|at-most-once|both]
                              [--store sqlite|postgresql] [--seed N]

With PostgreSQL two gateways share the hub. The one that works on the broadcast is killed, and it starts again
when the other one has taken the broadcast over; a scheduled send goes to all devices too.

No device may be left out. Twice may come only what was in flight at a kill, and of two gateways what both
have of one page. Nothing may come twice under at-most-once, where what is missing has the outcome `unknown`.
The outcomes in the telemetry are as many as the devices.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.crash import POLICIES, entries, excused, simulator_config
from bench.hub_stand import HubClient, hub_tables
from bench.parts import ENVIRON, gateway_config, running, twistd, wait_for_port, workspace
from pushgate.cli.demo.directory import free_ports
from pushgate.hub.sending.pages import DEVICES
from pushgate.simulator.certificates import Certificates

BODY: Final = b'{"aps":{"alert":"Hello"}}'
BETWEEN: Final = 0.5
"""Seconds from the moment that a gateway is ready to its kill, in the mean."""
LEASE: Final = 2.0
"""Seconds after which another gateway takes over."""
PATIENCE: Final = 120.0
"""Seconds within which a send ends."""
SUCCESS: Final = "Success"


class Verdict(msgspec.Struct):
    """What an audit found.

    :param received: devices that got the notification.
    :param lost: devices that did not, beyond those whose outcome is no success.
    :param twice: devices that got it more often than it was sent.
    :param inexcusable: of these, not in flight at a kill, beyond the pages that two gateways had.
    :param outcomes: in the telemetry of all sends, by name.
    :param missing: outcomes that should be there and are not, or are too many.
    """

    kills: int
    sends: int
    devices: int
    states: list[str]
    received: int
    lost: int
    twice: int
    inexcusable: int
    outcomes: dict[str, int]
    missing: int

    def good(self, delivery: str) -> bool:
        """Whether all was kept that was promised."""
        wrong = self.lost + self.inexcusable + self.missing
        ended = set(self.states) == {"Completed"}
        return ended and not wrong and (delivery == POLICIES[0] or not self.twice)


class Gateway:
    """A process that is started and killed, in a directory of its own."""

    def __init__(self, directory: Path, service: Path, port: int, store: str, **app: object) -> None:
        directory.mkdir()
        self._directory = directory
        self.state = directory / "state"
        hub, amp = free_ports(2)
        self.port, self.client = hub, HubClient(hub)
        certificates = Certificates.in_directory(service / "simulator")
        limit = app.pop("queue_limit")
        self._config = gateway_config(directory, certificates, port, amp, str(self.state), **app)
        text = self._config.read_text().replace("queue_limit = 10000000", f"queue_limit = {limit}")
        outcomes = f'[sinks.outcomes]\ntype = "jsonl"\npath = "{directory}/outcomes.jsonl"\n'
        tables = hub_tables(directory, hub, store).replace(
            "[hubs.main]", f'[hubs.main]\nlease = "{LEASE:g}s"'
        )
        self._config.write_text(text + outcomes + tables)
        self._process: subprocess.Popen[Any] | None = None

    @property
    def owner(self) -> str:
        """What the store calls it."""
        return (self.state / "hub-owner").read_text().strip()

    def start(self) -> None:
        """Return when requests are taken."""
        with (self._directory / "log").open("a") as log:
            command = twistd("pushgate", "--config", self._config)
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=ENVIRON)
        wait_for_port(self.port, self._process)

    def end(self, how: signal.Signals) -> float:
        """End it; return the wall time of that."""
        assert self._process is not None
        os.kill(self._process.pid, how)
        at = time.time()
        self._process.wait(60)
        self._process = None
        return at

    def stop(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGTERM)

    def log(self) -> str:
        """The end of what it said."""
        return (self._directory / "log").read_text()[-3000:]


@contextmanager
def stand(
    count: int, times: int, delivery: str, store: str, number: int
) -> Iterator[tuple[list[Gateway], int]]:
    """So many gateways that do not run yet, a full store, and a service; with the control port of that."""
    port, control, http2 = free_ports(3)
    with workspace() as (directory, _):
        simulator = simulator_config(directory, port, control, http2)
        command = twistd("pushgate-simulator", "--config", simulator)
        with running(*command, log=directory / "service.log") as service:
            wait_for_port(control, service)
            pace = {"rate": max(count / times / BETWEEN, 2000.0), "queue_limit": max(count // 5, 1000)}
            over = {
                "delivery": delivery,
                "response_timeout": "200ms",
                "window": 1000,
                "connections": 2,
                **pace,
            }
            gateways = [
                Gateway(directory / str(each), directory, port, store, **over) for each in range(number)
            ]
            filling = [sys.executable, "-m", "bench.hub_fill", str(gateways[0].state), store, str(count)]
            subprocess.run(filling, check=True, env=ENVIRON)
            try:
                yield gateways, control
            except BaseException as error:
                error.add_note("\n".join(each.log() for each in gateways))
                raise
            finally:
                for each in gateways:
                    each.stop()


def audit(times: int, count: int, delivery: str, chance: random.Random) -> Verdict:
    """One gateway over SQLite, killed so often in the middle of a broadcast."""
    with stand(count, times, delivery, "sqlite", 1) as ((gateway,), control):
        gateway.start()
        send, kills = gateway.client.send(BODY), list[float]()
        while len(kills) < times:
            time.sleep(chance.uniform(0, 2 * BETWEEN))
            if gateway.client.state(send) == "Completed":
                break
            kills.append(gateway.end(signal.SIGKILL))
            gateway.start()
        wait_until(lambda: gateway.client.state(send) == "Completed")
        return compare(gateway.client, [send], count, list(entries(control)), kills, 0)


def audit_two(times: int, count: int, delivery: str, chance: random.Random, url: str) -> Verdict:
    """Two gateways that share a hub; the one that works on a broadcast is killed, and the other goes on."""
    with stand(count, times, delivery, url, 2) as (gateways, control):
        for each in gateways:
            each.start()
        client, kills = gateways[0].client, list[float]()
        sent = [client.send(BODY), scheduled(client, 2.0)]
        while len(kills) < times:
            time.sleep(chance.uniform(0, 2 * BETWEEN))
            wait_until(lambda: owner(url, sent[0]) != "")  # it may wait on record for room in the queue
            working = owner(url, sent[0])
            if working is None:
                break
            victim = next((each for each in gateways if each.owner == working), None)
            if victim is None:
                continue  # it was given back just now
            kills.append(victim.end(signal.SIGKILL))
            wait_until(lambda gone=working: owner(url, sent[0]) != gone)
            victim.start()
        wait_until(lambda: all(client.state(each) == "Completed" for each in sent))
        return compare(client, sent, count, list(entries(control)), kills, DEVICES * len(sent))


def owner(url: str, send: str) -> str | None:
    """The gateway that has a native send, "" while it waits for room; None when all of it is submitted."""
    import psycopg  # here, as SQLite needs none

    with psycopg.connect(url, autocommit=True) as connection:
        statement = "SELECT owner FROM pushgate_main.lane WHERE send = %s AND resolved = 0"
        row = connection.execute(statement, (send,)).fetchone()
    return None if row is None else str(row[0])


def scheduled(client: HubClient, seconds: float) -> str:
    """Schedule a send to all devices; return its id."""
    at = datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    headers = {
        "ServiceBusNotification-Format": "apple",
        "ServiceBusNotification-ScheduleTime": at,
        "Content-Type": "application/json;charset=utf-8",
    }
    answer = client.request("POST", "/schedulednotifications/", BODY, headers)
    return str(answer.headers["Location"]).partition("?")[0].rpartition("/")[2]


def wait_until(condition: Any) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited for {PATIENCE:g} s in vain")
        time.sleep(0.1)


def compare(
    client: HubClient, sent: list[str], count: int, received: list[tuple[int, float]], kills: list[float],
    shared: int,
) -> Verdict:  # fmt: skip
    """What the devices got, against the telemetry.

    :param shared: notifications that two gateways may both have, for each kill.
    """
    details = [client.details(send) for send in sent]
    outcomes: dict[str, int] = defaultdict(int)
    for text in details:
        for name, number in re.findall(r"<Name>(\w+)</Name><Count>(-?\d+)</Count>", text):
            outcomes[name] += int(number)
    times: dict[int, list[float]] = defaultdict(list)
    for token, at in received:
        times[token].append(at)
    twice = [sorted(each) for each in times.values() if len(each) > len(sent)]
    inexcusable = sum(not excused(each[len(sent) - 1 :], kills) for each in twice)
    failed = sum(number for name, number in outcomes.items() if name != SUCCESS)
    short = sum(max(len(sent) - len(each), 0) for each in times.values()) + (count - len(times)) * len(sent)
    return Verdict(
        kills=len(kills),
        sends=len(sent),
        devices=count,
        states=[text.partition("<State>")[2].partition("</State>")[0] for text in details],
        received=len(times),
        lost=max(short - failed, 0),
        twice=len(twice),
        inexcusable=max(inexcusable - shared * len(kills), 0),
        outcomes=dict(outcomes),
        missing=abs(count * len(sent) - sum(outcomes.values())),
    )


def main() -> None:
    """Audit and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--delivery", choices=[*POLICIES, "both"], default="both")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    failed = False
    for delivery in POLICIES if given.delivery == "both" else [given.delivery]:
        chance = random.Random(given.seed)
        if given.store == "sqlite":
            found = audit(given.times, given.count, delivery, chance)
        else:
            found = over_postgresql(given.times, given.count, delivery, chance)
        failed = failed or not found.good(delivery)
        report(delivery, found)
    sys.exit(failed)


def over_postgresql(times: int, count: int, delivery: str, chance: random.Random) -> Verdict:
    """`audit_two` with a server of its own."""
    server: Any = import_module("tests.postgresql_rig").PostgresqlServer()
    try:
        server.start()
        return audit_two(times, count, delivery, chance, server.url)
    finally:
        server.remove()


def report(delivery: str, found: Verdict) -> None:
    """Print what an audit found."""
    word = "ok  " if found.good(delivery) else "FAIL"
    print(f"{word} {delivery}: {msgspec.json.encode(found).decode()}", flush=True)


if __name__ == "__main__":
    main()
