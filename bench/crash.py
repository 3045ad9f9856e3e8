"""The crash audit: a gateway that is killed again and again while it works, against the service's own record.

    python -m bench.crash [--times 50] [--delivery at-least-once|at-most-once|both] [--seed N]
                          [--upstream apns-stream|apns-http2|fcm|webpush|wns|…]

Prints what was submitted and answered, accepted by the service, lost, duplicated, and reported to be unknown.
Nothing may be lost; twice may come only what was in flight at a kill, and nothing under at-most-once.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from bench.parts import ENVIRON, gateway_config, python, running, twistd, wait_for_port, workspace
from bench.service_apps import SERVICE_APPS
from pushgate.cli.demo.directory import free_ports
from pushgate.simulator.certificates import Certificates
from pushgate.simulator.provider_keys import ThrowAwayKey
from pushgate.simulator.services.directory import Services
from pushgate.simulator.settings import SimulatorTable

UPSTREAMS: Final = ("apns-stream", "apns-http2", *SERVICE_APPS)
SUBSCRIPTIONS: Final = 30_000
"""Made for Web Push; with fewer than a run can send, the client waits."""
POLICIES: Final = ("at-least-once", "at-most-once")
IN_FLIGHT: Final = 2.0
"""Seconds after which a notification that the service took has its outcome on the disk at the latest."""
UNREAD: Final = 2.0
"""Seconds the service may still be reading what a gateway wrote before it was killed."""


class Verdict(msgspec.Struct):
    """What an audit found.

    :param submitted: those that were answered with an id.
    :param accepted: of these, by the service.
    :param lost: of these, neither accepted nor reported to have failed or to be unknown.
    :param unreported: of these, without any record of their outcome.
    :param duplicated: whatever the service accepted more than once.
    :param inexcusable: of the duplicated, not in flight at a kill.
    :param unwritten: of the unknown, not accepted: most of these were put on record and not written yet.
    :param repeated: with equal records more than once: a crash came while the sink was taking them.
    :param contradicted: with records that differ.
    """

    kills: int
    submitted: int
    accepted: int
    lost: int
    unreported: int
    duplicated: int
    inexcusable: int
    unknown: int
    unwritten: int
    repeated: int
    contradicted: int

    def good(self, delivery: str) -> bool:
        """Whether all was kept that was promised."""
        wrong = self.lost + self.unreported + self.inexcusable + self.contradicted
        return not wrong and (delivery == POLICIES[0] or not self.duplicated)


def audit(times: int, delivery: str, chance: random.Random, upstream: str = "apns-stream") -> Verdict:
    """Kill a gateway so often; compare what clients, the service and the sink have on record."""
    port, control, amp, http2, services = free_ports(5)
    with workspace() as (directory, _):
        record, outcomes = directory / "answered", directory / "outcomes.jsonl"
        simulator = simulator_config(directory, port, control, http2, services)
        with running(
            *twistd("pushgate-simulator", "--config", simulator), log=directory / "service.log"
        ) as service:
            wait_for_port(control, service)
            certificates = Certificates.in_directory(directory / "simulator")
            over, pushing = app_over(upstream, directory, services)
            names = subscribed(directory, control) if upstream == "webpush" else None
            port = {"apns-stream": port, "apns-http2": http2}.get(upstream, services)
            state = str(directory / "state")
            over |= {"delivery": delivery, "connections": 2}
            config = gateway_config(directory, certificates, port, amp, state, **over)
            with config.open("a") as file:
                file.write(f'[sinks.outcomes]\ntype = "jsonl"\npath = "{outcomes}"\n')
            with running(*python("crash_client.py", amp, record, *pushing)) as client:
                kills = [kill_one(config, directory, amp * (at % 2), chance) for at in range(times)]
                finish(config, directory, amp, client)
            received = list(entries(control, names))
        return compare(answered(record), received, reported(outcomes), kills)


def app_over(upstream: str, directory: Path, services: int) -> tuple[dict[str, object], tuple[str, ...]]:
    """What an app's table has besides, and what the client is given: the prefix of targets, and a payload."""
    if upstream == "apns-stream":
        return {"response_timeout": "200ms", "window": 1000}, ()
    if upstream == "apns-http2":
        return over_http2(directory), ()
    app, url = SERVICE_APPS[upstream], f"https://localhost:{services}"
    own = {key: as_text(value) for key, value in app.table(Running(directory / "simulator", url)).items()}
    prefix = {"wns": f"{url}/wns/", "mpns": f"{url}/mpns/", "webpush": f"@{directory}/targets"}
    common = {"upstream": app.kind, "certificate": None, "feedback": None}
    return {**common, **own}, (prefix.get(upstream, ""), app.payload.decode())


def as_text(value: object) -> object:
    """A path as the configuration has it."""
    return str(value) if isinstance(value, Path) else value


class Running:
    """A simulator in another process, as far as `SERVICE_APPS` ask it."""

    def __init__(self, directory: Path, url: str) -> None:
        self.services_url = url
        self.certificates = Certificates.in_directory(directory)
        self.services = Services(SimulatorTable(state_dir=directory))


def over_http2(directory: Path) -> dict[str, object]:
    """What an app over HTTP/2 has in its table, in place of what one on the binary stream has."""
    key = ThrowAwayKey.in_directory(directory / "simulator")
    return {
        "upstream": "apns-http2", "topic": "com.example.news", "certificate": None,
        "feedback": None, "key_file": str(key.file), "key_id": key.key_id, "team_id": key.team_id,
    }  # fmt: skip


def kill_one(config: Path, directory: Path, amp: int, chance: random.Random) -> float:
    """Start a gateway and kill it somewhere between its start and the full load; the wall time of that.

    :param amp: the port on which it has to be ready first, 0 if it need not.
    """
    with (directory / "gateway.log").open("a") as log:
        command = twistd("pushgate", "--config", config)
        process = subprocess.Popen(command, stdout=log, stderr=log, env=ENVIRON)
        if amp:
            wait_for_port(amp, process)
        time.sleep(chance.uniform(0.1, 2.0))
        os.kill(process.pid, signal.SIGKILL)
        killed = time.time()
        if process.wait() != -signal.SIGKILL:
            raise SystemExit(
                f"the gateway ended by itself: {(directory / 'gateway.log').read_text()[-2000:]}"
            )
    return killed


def finish(config: Path, directory: Path, amp: int, client: "subprocess.Popen[str]") -> None:
    """Let a last gateway finish the work."""
    with running(*twistd("pushgate", "--config", config), log=directory / "last.log") as gateway:
        wait_for_port(amp, gateway)
        assert client.stdin is not None
        client.stdin.write("stop\n")
        client.stdin.flush()
        if client.wait(120):
            raise SystemExit("the client failed")
    if any("commits are missing" in (directory / log).read_text() for log in ("gateway.log", "last.log")):
        raise SystemExit("a kill was taken for a loss of the spool's log")


def simulator_config(directory: Path, port: int, control: int, http2: int, services: int = 0) -> Path:
    """A push service that takes everything."""
    path = directory / "simulator.toml"
    path.write_text(
        f"""[simulator]
        listen = "tcp:{port}:interface=127.0.0.1"
        feedback_listen = "tcp:0:interface=127.0.0.1"
        control_listen = "tcp:{control}:interface=127.0.0.1"
        http2_listen = "tcp:{http2}:interface=127.0.0.1"
        services_listen = "tcp:{services}:interface=127.0.0.1"
        state_dir = "{directory / "simulator"}"
        record_limit = 10000000
        """
    )
    return path


def subscribed(directory: Path, control: int) -> dict[str, int]:
    """Write a file with subscriptions of the simulator; return the number of each by its name there."""
    body = json.dumps({"count": SUBSCRIPTIONS}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{control}/subscriptions", body, method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        made = json.load(answer)
    (directory / "targets").write_text("\n".join(map(json.dumps, made)))
    return {each["endpoint"].rpartition("/")[2]: number for number, each in enumerate(made)}


def entries(control: int, names: Mapping[str, int] | None = None) -> Iterator[tuple[int, float]]:
    """Token and time of everything the service accepted.

    :param names: the number of each handle, where it is not its number.
    """
    since = 0
    while True:
        url = f"http://127.0.0.1:{control}/received?since={since}&limit=1000"
        with urllib.request.urlopen(url, timeout=30) as answer:
            page: dict[str, Any] = json.load(answer)
        if not page["received"]:
            return
        since = page["next"]
        for item in page["received"]:
            handle = item["handle"]
            number = int(item["token"], 16) if handle is None else names[handle] if names else int(handle)
            yield number, item["at"]


def answered(record: Path) -> dict[int, int]:
    """The token's number of every notification that was answered, by its id."""
    found: dict[int, int] = {}
    for line in record.read_text().splitlines():
        number, first, count = map(int, line.split())
        found |= {number + index: first + index for index in range(count)}
    return found


def reported(outcomes: Path) -> dict[int, list[tuple[str, float]]]:
    """State and time of each record of each notification, by its id; corrections left out."""
    found: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for line in outcomes.read_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # the line that a kill cut short
        if not record["corrects"]:
            found[UUID(record["id"]).int].append((record["state"], record["at"]))
    return found


def compare(
    ids: dict[int, int],
    received: list[tuple[int, float]],
    records: dict[int, list[tuple[str, float]]],
    kills: list[float],
) -> Verdict:
    """The three records against each other."""
    times: dict[int, list[float]] = defaultdict(list)
    for token, at in received:
        times[token].append(at)
    twice = {token: sorted(each) for token, each in times.items() if len(each) > 1}
    states = {number: {state for state, _ in records.get(number, ())} for number in ids}
    given_up = {"unknown", "failed", "expired"}
    unknown = [number for number, each in states.items() if "unknown" in each]
    several = [{*each} for number in ids if len(each := records.get(number, ())) > 1]
    return Verdict(
        kills=len(kills),
        submitted=len(ids),
        accepted=sum(token in times for token in ids.values()),
        lost=sum(token not in times and not given_up & states[number] for number, token in ids.items()),
        unreported=sum(not each for each in states.values()),
        duplicated=len(twice),
        inexcusable=sum(not excused(each, kills) for each in twice.values()),
        unknown=len(unknown),
        unwritten=sum(ids[number] not in times for number in unknown),
        repeated=sum(len(each) == 1 for each in several),
        contradicted=sum(len(each) > 1 for each in several),
    )


def excused(times: list[float], kills: list[float]) -> bool:
    """Whether a kill came about each time at which it was accepted, the last excepted.

    Soon after it: it was in flight. Shortly before: what lies in the service's socket is taken all the same.
    """
    for earlier, later in pairwise(times):
        at = bisect_right(kills, earlier - UNREAD)
        if at == len(kills) or kills[at] > min(later, earlier + IN_FLIGHT):
            return False
    return True


def main() -> None:
    """Audit and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--delivery", choices=[*POLICIES, "both"], default="both")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--upstream", choices=UPSTREAMS, default="apns-stream")
    arguments = parser.parse_args()
    failed = False
    for delivery in POLICIES if arguments.delivery == "both" else [arguments.delivery]:
        found = audit(arguments.times, delivery, random.Random(arguments.seed), arguments.upstream)
        failed = failed or not found.good(delivery)
        report(delivery, found)
    sys.exit(failed)


def report(delivery: str, found: Verdict) -> None:
    """Print what an audit found."""
    word = "ok  " if found.good(delivery) else "FAIL"
    print(f"{word} {delivery}: {msgspec.json.encode(found).decode()}", flush=True)


if __name__ == "__main__":
    main()
