"""What several gateways on one RabbitMQ queue reach together, beside one.

    python -m bench.scale_out [--messages 400] [--gateways 1 2] [--rounds 3]

Publishes messages of 500 notifications each to a queue of a broker of its own, then starts the gateways, and
measures from the first notification that the push service accepts to the last. Durable spools, outcomes to
jsonl. On a machine of two cores the broker, the service and two gateways share them.
"""

import argparse
import contextlib
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pika

from bench.amqp import QUEUE, Gateways, wait_for_queue
from bench.broker import Broker, missing, running_broker
from bench.durable_stand import service
from bench.parts import BATCH, PAYLOAD, spread, tokens, workspace
from pushgate.simulator.certificates import Certificates

POLL: Final = 0.005
"""Seconds between two looks at what was accepted."""


def publish(broker: Broker, messages: int) -> None:
    """Publish so many messages of `BATCH` different tokens each, all confirmed."""
    every = [token.hex() for token in tokens(messages * BATCH)]
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(broker.url))) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for at in range(0, len(every), BATCH):
            listed = '","'.join(every[at : at + BATCH])
            body = b'{"tokens":["%b"],"payload":%b}' % (listed.encode(), PAYLOAD)
            persistent = pika.BasicProperties(delivery_mode=2)
            channel.basic_publish("", QUEUE, body, persistent, mandatory=True)


def drained(broker: Broker, certificates: Certificates, messages: int, gateways: int) -> float:
    """Notifications a second that so many gateways send together."""
    with service(certificates) as far, TemporaryDirectory() as directory:
        several = Gateways(Path(directory), certificates, far.port, broker)
        try:
            several.start(0)
            wait_for_queue(broker)  # which a gateway declares
            several.close()
            publish(broker, messages)
            several.start(*range(gateways))
            while not (first := int(far.stats()["accepted"])):
                time.sleep(POLL)
            began = time.monotonic()
            ended = far.wait_for(messages * BATCH)
        finally:
            several.close()
    return (messages * BATCH - first) / (ended - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--gateways", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if reason := missing():
        raise SystemExit(reason)
    rates: dict[int, list[float]] = {number: [] for number in arguments.gateways}
    with workspace() as (directory, certificates), running_broker(directory / "broker") as broker:
        for _ in range(arguments.rounds):
            for number in rates:
                rates[number].append(drained(broker, certificates, arguments.messages, number))
    for number, found in rates.items():
        print(spread(f"{number} gateways", found, "/s", ",.0f"))
    least, most = min(rates), max(rates)
    times = statistics.median(rates[most]) / statistics.median(rates[least])
    print(f"{most} gateways reach {times:.2f} times what {least} reach")


if __name__ == "__main__":
    main()
