"""The audit of all inputs: several programs push through one gateway, and every record of it is compared.

    python -m bench.inputs [--count 2000]

`nc`, `curl` at two inputs, `swaks` and Python's client of SMTP, an AMP program, two old libraries for Apple's
binary service and a RabbitMQ publisher push the same number of notifications each (`swaks` 20), at a time, to
a binary service of Apple's page alone that refuses dead tokens and closes connections. Nothing may be lost or
sent twice, and the file, the AMP watcher, the event stream of `curl` and the RabbitMQ exchange have to tell
the same outcomes. Needs nc with `-N` (OpenBSD's), curl, swaks and rabbitmq-server.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import input_programs as programs
from bench.broker import Broker, missing, running_broker
from bench.input_programs import QUEUE, Ports, Program
from bench.parts import free_port, gateway_config, python, running, twistd, wait_for_port, workspace
from pushgate.simulator.certificates import Certificates

EXCHANGE: Final = "pushgate.outcomes"
SHUTDOWNS: Final = ("--shutdown-after", "400", "--shutdowns", "12")
"""The service closes so many connections after so many frames, with status 10."""
SETTLE_TIMEOUT: Final = 120.0
"""Seconds until all outcomes are reported, after the last submission."""
CONFIG: Final = """
[inputs.http]
type = "http"
listen = "tcp:{ports.http}:interface=127.0.0.1"

[inputs.line]
type = "line"
listen = "tcp:{ports.line}:interface=127.0.0.1"

[inputs.apns]
type = "apns"
app = "news"
listen = "tcp:{ports.apns}:interface=127.0.0.1"
feedback_listen = "tcp:{ports.feedback}:interface=127.0.0.1"
certificate = "{certificates.server}"
client_authorities = "{certificates.ca}"

[inputs.injector]
type = "rest-injector"
listen = "tcp:{ports.injector}:interface=127.0.0.1"
domains = {{ "apn_example.com" = "news" }}

[inputs.mail]
type = "smtp"
listen = "tcp:{ports.smtp}:interface=127.0.0.1"
app = "news"

[inputs.queue]
type = "amqp"
url = "{broker.url}"
queue = "{queue}"
app = "news"

[sinks.file]
type = "jsonl"
path = "{directory}/outcomes.jsonl"

[sinks.exchange]
type = "amqp"
url = "{broker.url}"
exchange = "{exchange}"
"""

Fate = tuple[str, int | None]
"""State and status, as a record has them."""
GOOD: Final = ("accepted", "presumed")


class Row(msgspec.Struct):
    """What became of what came in by one program.

    :param refused: at the input, because they were bad.
    :param accepted: by the service.
    :param lost: neither accepted nor, if dead, refused by the service.
    :param twice: accepted by the service more than once.
    :param wrong: whose outcome is missing or not what the service did.
    """

    program: str
    submitted: int
    refused: int
    accepted: int
    rejected: int
    lost: int
    twice: int
    wrong: int

    @property
    def good(self) -> bool:
        """Whether each was sent once, and truly reported."""
        return not self.lost and not self.twice and not self.wrong


class Listener(msgspec.Struct):
    """What one receiver of outcomes was given.

    :param reported: notifications.
    :param different: of these and of all others, reported otherwise than the file has it, or not at all.
    """

    listener: str
    reported: int
    different: int

    @property
    def good(self) -> bool:
        """Whether it heard the same."""
        return not self.different


def audit(broker: Broker, count: int) -> list[Row | Listener]:
    """Push so many notifications by each program; what the records say."""
    with workspace() as (directory, certificates), ExitStack() as stack:
        ports = Ports(*(free_port() for _ in Ports.__struct_fields__))
        record, options = directory / "service.json", SHUTDOWNS
        server = python(
            "outside_server.py", ports.service, certificates.server, certificates.ca, record, *options
        )
        service = stack.enter_context(running(*server))
        wait_for_port(ports.service, service)
        subscribe(broker)
        several = programs.all_of(directory, certificates, ports, broker, count)
        with running(
            *twistd("pushgate", "--config", config(directory, certificates, ports, broker)),
            log=directory / "gateway.log",
        ) as gateway:
            for port in (ports.amp, ports.http, ports.line, ports.apns, ports.injector, ports.smtp):
                wait_for_port(port, gateway)
            wait_until(
                lambda: QUEUE in broker.control("list_queues", "--no-table-headers", "name"), "the queue"
            )
            heard = campaign(directory, ports, several)
        heard["exchange"] = dict(fates(exchanged(broker)))
        assert service.stdin is not None
        service.stdin.write("done\n")
        service.stdin.flush()
        service.wait(20)
        return compare(several, json.loads(record.read_text()), heard, told_twice(directory))


def config(directory: Path, certificates: Certificates, ports: Ports, broker: Broker) -> Path:
    """A gateway with all inputs, and two sinks."""
    path = gateway_config(
        directory, certificates, ports.service, ports.amp, str(directory / "state"),
        response_timeout="500ms", connections=3,
    )  # fmt: skip
    with path.open("a") as file:
        file.write(
            CONFIG.format(
                ports=ports, certificates=certificates, broker=broker, directory=directory,
                queue=QUEUE, exchange=EXCHANGE,
            )
        )  # fmt: skip
    return path


def campaign(directory: Path, ports: Ports, several: Sequence[Program]) -> dict[str, dict[str, Fate]]:
    """Have all programs push at a time; what was reported by the file, the watcher and the event stream."""
    events, watched = directory / "events", directory / "watched.json"
    url = f"http://127.0.0.1:{ports.http}/v1/outcomes"
    with running("curl", "-sSNi", url, log=events) as curl:
        wait_until(lambda: b"\r\n\r\n" in events.read_bytes(), "the event stream's head")
        with ThreadPoolExecutor(len(several)) as pool:
            first, *others = several
            watcher = pool.submit(run, first)
            wait_until(watched.with_name("watched.json.part").exists, "the watcher")
            list(pool.map(run, others))
            watcher.result()
        total = sum(len(each.tokens) for each in several)
        kept = wait_until(lambda: reported(directory, total), "outcomes in the file")
        wait_until(lambda: len(dict(fates(streamed(events)))) >= total, "outcomes in the event stream")
        curl.terminate()
    by_amp = {t: (each["state"], each["status"]) for t, each in json.loads(watched.read_text()).items()}
    return {"file": kept, "AMP watcher": by_amp, "curl, events": dict(fates(streamed(events)))}


def run(program: Program) -> None:
    """Run a program to its end, which has to be good."""
    done = subprocess.run(
        program.command,
        input=program.says,
        capture_output=True,
        text=True,
        timeout=SETTLE_TIMEOUT,
        check=False,
    )
    if done.returncode or not program.content(done.stdout):
        raise SystemExit(f"{program.name} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr}")


def reported(directory: Path, total: int) -> dict[str, Fate] | None:
    """The last outcome of each in the file; None while some have none."""
    found = dict(fates(recorded(directory)))
    return found if len(found) >= total else None


def told_twice(directory: Path) -> int:
    """How many first outcomes there are in the file beyond one each."""
    first = Counter(each["token"] for each in recorded(directory) if not each["corrects"])
    return sum(first.values()) - len(first)


def recorded(directory: Path) -> Iterator[dict[str, Any]]:
    """Records of the file sink that are outcomes."""
    path = directory / "outcomes.jsonl"
    for line in path.read_text().splitlines() if path.exists() else ():
        record = json.loads(line)
        if record["state"] != "dead-token":
            yield record


def fates(records: Iterator[dict[str, Any]]) -> Iterator[tuple[str, Fate]]:
    """Token, and how it ended, of each record."""
    return ((record["token"], (record["state"], record["status"])) for record in records)


def streamed(events: Path) -> Iterator[dict[str, Any]]:
    """Records of an event stream, as far as it is there."""
    for line in events.read_text().splitlines(keepends=True):
        if line.startswith("data: ") and line.endswith("\n"):
            record = json.loads(line[6:])
            if record["state"] != "dead-token":
                yield record


def subscribe(broker: Broker) -> None:
    """Bind a queue to the exchange of outcomes, before the gateway comes."""
    with broker.channel() as channel:
        for name in (QUEUE, "pushgate.dead", EXCHANGE):
            channel.queue_delete(name)
        channel.exchange_declare(EXCHANGE, "topic", durable=True)
        channel.queue_declare(EXCHANGE, durable=True)
        channel.queue_bind(EXCHANGE, EXCHANGE, "#")


def exchanged(broker: Broker) -> Iterator[dict[str, Any]]:
    """Records that came by the exchange."""
    with broker.channel() as channel:
        while (got := channel.basic_get(EXCHANGE, auto_ack=True))[0] is not None:
            for line in got[2].splitlines():
                record = json.loads(line)
                if record["state"] != "dead-token":
                    yield record


def wait_until(condition: Any, what: str) -> Any:
    """What the condition says, once it holds."""
    deadline = time.monotonic() + SETTLE_TIMEOUT
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(0.1)
    return found


def compare(
    several: Sequence[Program], service: dict[str, Any], heard: dict[str, dict[str, Fate]], repeated: int
) -> list[Row | Listener]:
    """The programs' lists, the service's record and what was reported against each other."""
    kept = heard["file"]
    everything = {token for each in several for token in each.tokens}
    foreign = len((set(service["accepted"]) | set(kept)) - everything)
    found: list[Row | Listener] = [row(each, service, kept) for each in several]
    for name, fate in heard.items():
        different = sum(fate.get(token) != kept.get(token) for token in everything | set(fate))
        found.append(Listener(name, len(fate), different + (repeated + foreign if name == "file" else 0)))
    return found


def row(program: Program, service: dict[str, Any], kept: dict[str, Fate]) -> Row:
    """What became of one program's notifications."""
    accepted, rejected = service["accepted"], service["rejected"]
    dead = {token for token in program.tokens if token.startswith("dead")}
    live = set(program.tokens) - dead
    return Row(
        program=program.name,
        submitted=len(program.tokens),
        refused=program.refused,
        accepted=len(live & accepted.keys()),
        rejected=len(dead & rejected.keys()),
        lost=len(live - accepted.keys()) + len(dead - rejected.keys()),
        twice=sum(accepted.get(token, 0) > 1 for token in program.tokens),
        wrong=sum(kept.get(token, ("",))[0] not in GOOD for token in live)
        + sum(kept.get(token) != ("rejected", 8) for token in dead),
    )


def report(found: Sequence[Row | Listener]) -> bool:
    """Print a line for each; whether all are good."""
    for each in found:
        print(f"{'ok  ' if each.good else 'FAIL'} {msgspec.json.encode(each).decode()}", flush=True)
    return all(each.good for each in found)


def main() -> None:
    """Audit and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="notifications of each program")
    count = parser.parse_args().count
    if why := missing() or programs.missing():
        raise SystemExit(why)
    with (
        tempfile.TemporaryDirectory(prefix="pushgate-broker-") as directory,
        running_broker(Path(directory)) as broker,
    ):
        sys.exit(not report(audit(broker, count)))


if __name__ == "__main__":
    main()
