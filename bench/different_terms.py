"""How long others wait while one client submits many notifications that all have terms of their own.

One POST of about 3 MB, as a list or as NDJSON, or one message through RabbitMQ; meanwhile two clients ask for
/healthz and push one notification, again and again. Prints their longest waits, and how long the large took.

    python -m bench.different_terms [--count 60000] [--form list|ndjson|amqp] [--spool memory|durable]
"""

import argparse
import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pika

from bench.broker import Broker
from bench.parts import free_port, gateway_config, python, running, twistd, wait_for_port, workspace
from pushgate.simulator.certificates import Certificates

LONGEST = 0.5
"""Seconds others may wait."""
LARGE, QUEUE = "the large one", "push"
PATH = "/v1/apps/news/notifications"
JSON, NDJSON = "application/json", "application/x-ndjson"


def members(count: int) -> list[dict[str, Any]]:
    """Notifications, each with an expiration of its own."""
    return [
        {"token": f"{number:08x}", "payload": {}, "expiration": 4_000_000_000 + number}
        for number in range(count)
    ]


def asked(
    port: int, method: str, path: str, body: bytes = b"", kind: str = JSON, seconds: float = 120
) -> bytes:
    """The answer to a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    with contextlib.closing(connection):
        connection.request(method, path, body or None, {"Content-Type": kind} if body else {})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:200]!r}")
        return content


def longest_wait(ask: Callable[[], object], ended: threading.Event) -> float:
    """Ask again and again until something has ended; the longest that an answer took."""
    longest = 0.0
    while not ended.is_set():
        began = time.perf_counter()
        ask()
        longest = max(longest, time.perf_counter() - began)
        time.sleep(0.02)
    return longest


def measured(port: int, submit: Callable[[], object]) -> dict[str, float]:
    """Seconds that the large submission took, and the longest waits of others until two seconds after it."""
    ended, waits = threading.Event(), dict[str, float]()
    one = json.dumps({"token": "ff", "payload": {}}).encode()
    asks: dict[str, Callable[[], object]] = {
        "GET /healthz": lambda: asked(port, "GET", "/healthz"),
        "single POST": lambda: asked(port, "POST", PATH, one),
    }

    def watch(name: str) -> None:
        waits[name] = longest_wait(asks[name], ended)

    watchers = [threading.Thread(target=watch, args=(name,)) for name in asks]
    for watcher in watchers:
        watcher.start()
    time.sleep(0.3)
    began = time.perf_counter()
    submit()
    took = time.perf_counter() - began
    time.sleep(2)
    ended.set()
    for watcher in watchers:
        watcher.join()
    return {LARGE: took, **waits}


@contextlib.contextmanager
def gateway(directory: Path, certificates: Certificates, state: str, more: str) -> Iterator[int]:
    """A gateway with an HTTP input, and a far end that takes what it sends; its port."""
    amp, port, far_end = free_port(), free_port(), free_port()
    config = gateway_config(directory, certificates, far_end, amp, state)
    listen = f'[inputs.http]\ntype = "http"\nlisten = "tcp:{port}:interface=127.0.0.1"\n'
    config.write_text(config.read_text() + listen + more)
    with running(*python("far_end.py", far_end, certificates.server)) as server:
        wait_for_port(far_end, server)
        with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as process:
            wait_for_port(port, process)
            yield port


def published(broker: Broker, port: int, body: bytes, count: int) -> None:
    """Publish one message, and wait until the gateway has accepted all of it."""
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(broker.url))) as connection:
        properties = pika.BasicProperties(content_type=JSON)
        connection.channel().basic_publish("", QUEUE, body, properties)
    name = 'pushgate_submitted_total{app="news",input="queue"} '
    found = 0.0
    while found < count:
        time.sleep(0.2)
        lines = asked(port, "GET", "/metrics").decode().splitlines()
        found = sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=60_000)
    parser.add_argument("--form", choices=["list", "ndjson", "amqp"], default="list")
    parser.add_argument("--spool", choices=["memory", "durable"], default="durable")
    arguments = parser.parse_args()
    many, more = members(arguments.count), ""
    body, kind = json.dumps({"notifications": many}, separators=(",", ":")).encode(), JSON
    if arguments.form == "ndjson":
        body, kind = b"\n".join(json.dumps(each).encode() for each in many), NDJSON
    with contextlib.ExitStack() as stack:
        directory, certificates = stack.enter_context(workspace())
        state = "memory"
        if arguments.spool == "durable":
            state = stack.enter_context(TemporaryDirectory(dir=directory))
        if arguments.form == "amqp":
            broker = Broker(directory / "broker")
            stack.callback(broker.stop)
            broker.start()
            more = (
                f'[inputs.queue]\ntype = "amqp"\nurl = "{broker.url}"\nqueue = "{QUEUE}"\n'
                f'dead_letters = "dead"\napp = "news"\nmax_message = {len(body)}\n'
            )
        port = stack.enter_context(gateway(directory, certificates, state, more))
        if arguments.form == "amqp":
            time.sleep(5)  # the input makes its queues
            found = measured(port, lambda: published(broker, port, body, arguments.count))
        else:
            found = measured(port, lambda: asked(port, "POST", PATH, body, kind))
    raise SystemExit(not reported(found))


def reported(found: dict[str, float]) -> bool:
    """Print the figures; return whether they are good enough."""
    for name, seconds in found.items():
        print(f"{name}: {seconds:.2f} s", flush=True)
    good = max(seconds for name, seconds in found.items() if name != LARGE) <= LONGEST
    print(f"others wait {LONGEST} s at most: {'yes' if good else 'NO'}")
    return good


if __name__ == "__main__":
    main()
