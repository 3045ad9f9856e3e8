"""The RabbitMQ audit: gateways that share one queue, some of them killed, against the service's own record.

    python -m bench.amqp [--messages 6000] [--gateways 3] [--kills 3] [--delivery POLICY|both] [--seed N]

Publishes messages, single notifications and batches, while gateways are killed and started again. Nothing
may be lost; twice may come only what a killed gateway had, and nothing under at-most-once.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
import pika

from bench.broker import Broker, missing, running_broker
from bench.crash import POLICIES, entries, simulator_config
from bench.parts import ENVIRON, free_port, gateway_config, running, tokens, twistd, wait_for_port, workspace
from pushgate.simulator.certificates import Certificates

QUEUE: Final = "push"
PREFETCH: Final = 500
PAYLOAD: Final = '{"aps":{"alert":"Hi"}}'
SIZES: Final = (1, 1, 1, 20)
"""Notifications of a message, in turn."""
PATIENCE: Final = 120.0
"""Seconds the gateways have to finish at most, once all is published."""


class Verdict(msgspec.Struct):
    """What an audit found.

    :param published: notifications of messages that the broker confirmed.
    :param accepted: of these, by the service.
    :param lost: of these, neither accepted nor reported to be unknown.
    :param duplicated: whatever the service accepted more than once.
    :param excused: how many may be: so many a killed gateway had at most.
    :param unknown: reported so.
    :param left: messages in the queue at the end, and dead letters.
    """

    gateways: int
    kills: int
    published: int
    accepted: int
    lost: int
    duplicated: int
    excused: int
    unknown: int
    left: int
    seconds: float

    def good(self, delivery: str) -> bool:
        """Whether all was kept that was promised."""
        allowed = self.excused if delivery == POLICIES[0] else 0
        return not self.lost and not self.left and self.duplicated <= allowed


class Gateways:
    """Some gateways on one queue, each with a configuration and a record of outcomes of its own.

    :param app: keys of the app's table.

    :ivar number: how many there are.
    """

    def __init__(
        self, directory: Path, certificates: Certificates, port: int, broker: Broker, **app: Any
    ) -> None:
        self._directory, self._certificates, self._port = directory, certificates, port
        self._broker, self._app = broker, app
        self.number = 0
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, *numbers: int) -> None:
        """Start some; return when they listen."""
        for port, process in [self._spawn(number) for number in numbers]:
            wait_for_port(port, process, 60)

    def end(self, number: int, how: signal.Signals) -> None:
        """End one."""
        process = self._processes.pop(number)
        os.kill(process.pid, how)
        process.wait(60)

    def close(self) -> None:
        """End all that run."""
        for number in list(self._processes):
            self.end(number, signal.SIGTERM)

    def _spawn(self, number: int) -> "tuple[int, subprocess.Popen[bytes]]":
        directory, amp = self._directory / f"gateway-{number}", free_port()
        directory.mkdir(exist_ok=True)
        config = gateway_config(
            directory, self._certificates, self._port, amp, response_timeout="200ms", **self._app
        )
        with config.open("a") as file:
            file.write(
                f'[inputs.queue]\ntype = "amqp"\nurl = "{self._broker.url}"\nqueue = "{QUEUE}"\n'
                f'app = "news"\nprefetch = {PREFETCH}\n'
                f'[sinks.outcomes]\ntype = "jsonl"\npath = "{directory / "outcomes.jsonl"}"\n'
            )
        with (directory / "log").open("ab") as log:
            process = subprocess.Popen(
                twistd("pushgate", "--config", config), stdout=log, stderr=log, env=ENVIRON
            )
        self._processes[number] = process
        self.number = max(self.number, number + 1)
        return amp, process

    def unknown(self) -> set[int]:
        """The tokens' numbers of what was reported to be unknown."""
        found = set()
        for file in self._directory.glob("gateway-*/outcomes.jsonl"):
            for line in file.read_text().splitlines():
                with contextlib.suppress(ValueError):  # a kill may cut a line short
                    record = json.loads(line)
                    if record["state"] == "unknown":
                        found.add(int(record["token"], 16))
        return found


class Publisher(threading.Thread):
    """Publishes messages one after the other, each confirmed.

    :ivar published: the tokens' numbers.
    """

    def __init__(self, broker: Broker, messages: int) -> None:
        super().__init__()
        self.broker, self._messages = broker, messages
        self.published: list[int] = []
        self.done = 0

    def run(self) -> None:
        start = 1
        with self.broker.channel() as channel:
            for number in range(self._messages):
                size = SIZES[number % len(SIZES)]
                properties = pika.BasicProperties(message_id=str(number), delivery_mode=2)
                channel.basic_publish("", QUEUE, body(start, size), properties, mandatory=True)
                self.published += [int.from_bytes(each, "big") for each in tokens(size, start)]
                start += size
                self.done += 1

    def wait_for(self, share: float) -> None:
        """Return when this share of the messages is published."""
        while self.is_alive() and self.done < share * self._messages:
            time.sleep(0.02)


def body(start: int, size: int) -> bytes:
    """A message with so many notifications."""
    texts = [each.hex() for each in tokens(size, start)]
    what = f'"token":"{texts[0]}"' if size == 1 else f'"tokens":{json.dumps(texts)}'
    return f'{{{what},"payload":{PAYLOAD}}}'.encode()


def audit(
    broker: Broker, gateways: int, messages: int, kills: int, delivery: str, chance: random.Random
) -> Verdict:
    """Kill gateways so often while messages are published and sent; compare the records.

    :param broker: must not have the queue yet.
    """
    with workspace() as (directory, _):
        port, control = free_port(), free_port()
        simulator = simulator_config(directory, port, control, free_port())
        with running(
            *twistd("pushgate-simulator", "--config", simulator), log=directory / "service.log"
        ) as service:
            wait_for_port(control, service)
            certificates = Certificates.in_directory(directory / "simulator")
            keys = {"delivery": delivery, "connections": 2, "window": 1000}
            several = Gateways(directory, certificates, port, broker, **keys)
            try:
                several.start(*range(gateways))
                wait_for_queue(broker)
                publisher = Publisher(broker, messages)
                times, took = survive(several, gateways, publisher, kills, chance, control)
            finally:
                several.close()
            return compare(several, publisher, times, kills, took)


def survive(
    several: Gateways, gateways: int, publisher: Publisher, kills: int, chance: random.Random, control: int
) -> tuple[Counter[int], float]:
    """Publish, and kill; how often the service accepted each token, and the seconds it took."""
    began = time.monotonic()
    publisher.start()
    for kill in range(kills):
        publisher.wait_for((kill + 1) / (kills + 1))
        number = chance.randrange(gateways)
        several.end(number, signal.SIGKILL)
        if kill + 1 < kills:
            several.start(number)
    publisher.join()
    times = settled(publisher, several, control)
    return times, time.monotonic() - began


def compare(several: Gateways, publisher: Publisher, times: Counter[int], kills: int, took: float) -> Verdict:
    """The records against each other."""
    wanted, unknown = set(publisher.published), several.unknown()
    return Verdict(
        gateways=several.number,
        kills=kills,
        published=len(wanted),
        accepted=len(wanted & set(times)),
        lost=len(wanted - set(times) - unknown),
        duplicated=sum(each > 1 for each in times.values()),
        excused=kills * PREFETCH * max(SIZES),
        unknown=len(unknown),
        left=waiting(publisher.broker),
        seconds=round(took, 1),
    )


def settled(publisher: Publisher, several: Gateways, control: int) -> Counter[int]:
    """How often the service accepted each token, once nothing is missing or the time is over."""
    deadline = time.monotonic() + PATIENCE
    while True:
        times = Counter(token for token, _ in entries(control))
        missing_ones = set(publisher.published) - set(times) - several.unknown()
        if (not missing_ones and not unacknowledged(publisher.broker)) or time.monotonic() > deadline:
            return times
        time.sleep(0.3)


def wait_for_queue(broker: Broker) -> None:
    """Return when a gateway has made the queue, which it does some time after its start."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            waiting(broker)
        except pika.exceptions.ChannelClosedByBroker:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def unacknowledged(broker: Broker) -> int:
    """Messages of the queue, those that gateways have included."""
    listed = broker.control("list_queues", "--no-table-headers", "name", "messages")
    return sum(int(line.split()[1]) for line in listed.splitlines() if line.split()[:1] == [QUEUE])


def waiting(broker: Broker) -> int:
    """Messages that no consumer has, dead letters included."""
    with broker.channel() as channel:
        names = (QUEUE, "pushgate.dead")
        return sum(channel.queue_declare(name, passive=True).method.message_count for name in names)


def main() -> None:
    """Audit and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=6000)
    parser.add_argument("--gateways", type=int, default=3)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--delivery", choices=[*POLICIES, "both"], default="both")
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    if why := missing():
        raise SystemExit(f"no broker: {why}")
    failed = False
    for delivery in POLICIES if arguments.delivery == "both" else [arguments.delivery]:
        chance = random.Random(arguments.seed)
        with (
            tempfile.TemporaryDirectory(prefix="pushgate-broker-") as directory,
            running_broker(Path(directory)) as broker,
        ):
            found = audit(broker, arguments.gateways, arguments.messages, arguments.kills, delivery, chance)
        failed = failed or not found.good(delivery)
        report(delivery, found)
    sys.exit(failed)


def report(delivery: str, found: Verdict) -> None:
    """Print what an audit found."""
    word = "ok  " if found.good(delivery) else "FAIL"
    print(f"{word} {delivery}: {msgspec.json.encode(found).decode()}", flush=True)


if __name__ == "__main__":
    main()
