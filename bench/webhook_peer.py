"""What a webhook's receiver can cost: one that never ends its answer, and one that closes after each.

Each kind of receiver is a process of its own, on loopback. Prints the growth of the sink's memory and its CPU
during the time for the endless ones, and the records that were taken for `closing`, Python's own http.server.

    python -m bench.webhook_peer [head status interim trailers body closing ...] [--seconds 10]
"""

import argparse
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psutil

CHUNK: Final = 1 << 16
ENDLESS: Final = {
    "status": (b"HTTP/1.1 200 ", b"O" * CHUNK),
    "head": (b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n"),
    "line": (b"HTTP/1.1 200 OK\r\nX-Filler: ", b"x" * CHUNK),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        b"X-Filler: " + b"x" * 1000 + b"\r\n",
    ),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", b"x" * CHUNK),
}
"""What a receiver says once, and then again and again."""
RECORDS: Final = 30_000
"""Records that wait at the start for the receiver that closes."""


def says(kind: str) -> Iterator[bytes]:
    """All that a receiver of this kind says."""
    once, again = ENDLESS[kind]
    yield once
    yield from repeat(again)


def endless(kind: str, ready: Connection) -> None:
    """Answer every connection, one after the other, for as long as it stays open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready.send(listener.getsockname()[1])
        while True:
            peer, _ = listener.accept()
            with peer:
                peer.recv(CHUNK)
                try:
                    for each in says(kind):
                        peer.sendall(each)
                except OSError:
                    continue


def closing(_: str, ready: Connection) -> None:
    """Take every request as Python's own server does: HTTP/1.0, and each connection ends with its answer."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not a word."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    ready.send(server.server_address[1])
    server.serve_forever()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = [*ENDLESS, "closing"]
    parser.add_argument("kinds", nargs="*", choices=[*kinds, []], default=kinds)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        here, there = multiprocessing.Pipe()
        sink = multiprocessing.Process(target=run, args=(kind, arguments.seconds, there))
        sink.start()
        print(f"{kind:9} {here.recv()}", flush=True)
        sink.join()


def run(kind: str, seconds: float, result: Connection) -> None:
    """Run a sink against a receiver of this kind, in a process that does nothing else."""
    here, there = multiprocessing.Pipe()
    receiver = multiprocessing.Process(
        target=closing if kind == "closing" else endless, args=(kind, there), daemon=True
    )
    receiver.start()
    try:
        result.send(measure(here.recv(), seconds))
    finally:
        receiver.kill()


def measure(port: int, seconds: float) -> str:
    """Feed the sink for so long; return what it came to."""
    from twisted.internet import reactor  # one for each process

    from pushgate.gateway.outcomes.sink_feeder import SinkFeeder
    from pushgate.model.metrics import Metrics
    from pushgate.plugin.context import Context
    from pushgate.plugins.builtin import webhook
    from pushgate.sinks.webhook.settings import WebhookTable
    from pushgate.testing import RecordingGateway, outcome

    with tempfile.TemporaryDirectory() as directory:
        secret = Path(directory) / "secret"
        secret.write_text("a secret of twenty bytes\n")
        table = WebhookTable.model_validate({
            "type": "webhook", "url": f"http://127.0.0.1:{port}/", "secret_file": str(secret),
            "allow_private": True, "max_age": "30d",
        })  # fmt: skip
        context = Context(reactor=reactor, wall=lambda: 0.0, jitter=lambda: 0.0, metrics=Metrics())
        sink: Any = webhook.sink("hook", table, RecordingGateway("news"), context)
    feeder = SinkFeeder("hook", sink, RECORDS, reactor, lambda: 0.0, context.metrics)
    feeder.report([outcome(order=order) for order in range(RECORDS)])
    process, most = psutil.Process(), 0
    before, spent, began = process.memory_info().rss, sum(process.cpu_times()[:2]), time.monotonic()

    def look() -> None:
        nonlocal most
        most = max(most, process.memory_info().rss - before)
        if feeder.lag and time.monotonic() < began + seconds:
            reactor.callLater(0.05, look)
        else:
            reactor.stop()

    reactor.callWhenRunning(look)
    reactor.run()
    took, spent = time.monotonic() - began, sum(process.cpu_times()[:2]) - spent
    taken = RECORDS - feeder.lag
    errors = context.metrics.counts["pushgate_sink_errors_total"].get(("hook",), 0)
    cost = f"{most / 1e6:7.1f} MB more, {spent:4.1f} s of CPU"
    return f"{taken:6} records taken in {took:4.1f} s, {cost}, {errors} failures"


if __name__ == "__main__":
    main()
