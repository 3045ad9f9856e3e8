"""What peers that do not read their answers cost a gateway: memory, CPU, and the longest wait of others.

    python -m bench.http_attacks [--seconds 8] [--connections 40]

Each attack runs against a gateway of its own, over HTTP/1.1 and, with prior knowledge, HTTP/2.
"""

import argparse
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import h2.config
import h2.connection
import h2.settings
import psutil

from bench.parts import free_port, gateway_config, running, twistd, wait_for_port, workspace
from pushgate.simulator.certificates import Certificates

SENT: int = 5_500_000
"""Bytes of pipelined requests on each connection at most."""


@contextlib.contextmanager
def gateway(directory: Path, certificates: Certificates) -> Iterator[tuple[psutil.Process, int]]:
    """A gateway whose push service is away; its process and the HTTP input's port."""
    port = free_port()
    config = gateway_config(directory, certificates, free_port(), free_port(), feedback=False)
    table = f'[inputs.http]\ntype = "http"\nlisten = "tcp:{port}:interface=127.0.0.1"\n'
    config.write_text(config.read_text() + table)
    with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as process:
        wait_for_port(port, process)
        yield psutil.Process(process.pid), port


def pipeline(port: int, connections: int, until: float) -> None:
    """Ask for the description again and again, and read nothing."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    block, peers = request * 1000, []
    for _ in range(connections):
        peer = socket.create_connection(("127.0.0.1", port))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.setblocking(False)
        peers.append((peer, [0]))
    while time.monotonic() < until:
        for peer, sent in peers:
            with contextlib.suppress(OSError):
                if sent[0] < SENT:
                    sent[0] += peer.send(block)
        time.sleep(0.01)
    for peer, _ in peers:
        peer.close()


def shut_window(port: int, connections: int, until: float) -> None:
    """Open a window of nothing, ask once on each connection, and wait."""
    peers = []
    for _ in range(connections):
        client = h2.connection.H2Connection(h2.config.H2Configuration())
        client.local_settings = h2.settings.Settings(
            client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0}
        )
        client.initiate_connection()
        head = [
            (":method", "GET"),
            (":path", "/openapi.json"),
            (":scheme", "http"),
            (":authority", "localhost"),
        ]
        client.send_headers(1, head, end_stream=True)
        peer = socket.create_connection(("127.0.0.1", port))
        peer.sendall(client.data_to_send())
        peers.append(peer)
    time.sleep(max(0.0, until - time.monotonic()))
    for peer in peers:
        peer.close()


def measure(attack: Callable[[int, int, float], None], arguments: argparse.Namespace) -> dict[str, float]:
    """Run one attack; the gateway's CPU, its memory at the most, and the longest wait for /healthz."""
    with workspace() as (directory, certificates), gateway(directory, certificates) as (process, port):
        before = process.cpu_times()
        until = time.monotonic() + arguments.seconds
        attacker = threading.Thread(target=attack, args=(port, arguments.connections, until))
        attacker.start()
        longest, peak = 0.0, 0
        while attacker.is_alive():
            began = time.monotonic()
            with (
                contextlib.suppress(OSError),
                urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as answer,
            ):
                answer.read()
            longest = max(longest, time.monotonic() - began)
            peak = max(peak, process.memory_info().rss)
            time.sleep(0.05)
        after = process.cpu_times()
        used = after.user + after.system - before.user - before.system
        return {"cpu_s": round(used, 2), "peak_mb": round(peak / 1e6), "longest_wait_s": round(longest, 3)}


def main() -> None:
    """Run each attack, and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=40)
    arguments = parser.parse_args()
    for attack in (pipeline, shut_window):
        print(f"{attack.__name__}: {json.dumps(measure(attack, arguments))}", flush=True)


if __name__ == "__main__":
    main()
