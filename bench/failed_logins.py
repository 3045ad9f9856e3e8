"""What failing logins on the line input cost everybody else.

A peer sends LOGINs with a wrong secret as fast as it can for two seconds, reads nothing, and hangs up.
Another one asks for `STATS` every 50 ms meanwhile, and for as long as the gateway is busy afterwards. Prints
the longest wait of that one, the gateway's CPU time and the bytes of its log.

    python -m bench.failed_logins [--lines 190000] [--seconds 2] [--watch 30]
"""

import argparse
import contextlib
import json
import socket
import threading
import time
from pathlib import Path
from typing import Final

import psutil

from bench.parts import free_port, running, twistd, wait_for_port, workspace
from pushgate.model.secret_hash import SecretHash

SECRET: Final = b"s3cr3t-of-the-shop"
CALM: Final = 2.0
"""Seconds that the gateway has to be idle before the measurement ends."""


class Caller:
    """Asks on one connection; remembers the longest wait for an answer, in seconds."""

    def __init__(self, port: int) -> None:
        self.longest, self.asked = 0.0, 0
        self._peer = socket.create_connection(("127.0.0.1", port), 60)
        self._answers = self._peer.makefile("rb")
        if not self._ask(b"LOGIN shop " + SECRET + b"\n").startswith(b"OK"):
            raise SystemExit("the caller with the right secret is not let in")

    def ask(self) -> None:
        """Ask once."""
        began = time.monotonic()
        self._ask(b"STATS\n")
        self.longest = max(self.longest, time.monotonic() - began)
        self.asked += 1

    def _ask(self, line: bytes) -> bytes:
        self._peer.sendall(line)
        return self._answers.readline()


def attack(port: int, count: int, seconds: float) -> int:
    """Send failing logins and hang up; return how many lines went out."""
    line = b"LOGIN shop wrong\n"
    view, deadline = memoryview(line * count), time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port)) as peer:
        while view and (left := deadline - time.monotonic()) > 0:
            peer.settimeout(left)
            with contextlib.suppress(TimeoutError, ConnectionError):
                view = view[peer.send(view[: 1 << 18]) :]
    return count - len(view) // len(line)


def configuration(directory: Path, port: int) -> Path:
    """A gateway with one principal and a line input."""
    secrets = directory / "shop.secret"
    secrets.write_text(f"{SecretHash.of(SECRET, bytes(16))}\n")
    path = directory / "pushgate.toml"
    path.write_text(
        f'[gateway]\nstate_dir = "memory"\n[apps.news]\nupstream = "simulator"\n'
        f"[principals.shop]\nsecret_file = {json.dumps(str(secrets))}\n"
        f'[inputs.line]\ntype = "line"\nlisten = "tcp:{port}:interface=127.0.0.1"\n'
    )
    return path


def measure(directory: Path, lines: int, seconds: float, watch: float) -> None:
    """One attack; print what it did."""
    port, log = free_port(), directory / "gateway.log"
    with running(*twistd("pushgate", "--config", configuration(directory, port)), log=log) as gateway:
        wait_for_port(port, gateway)
        caller, process = Caller(port), psutil.Process(gateway.pid)
        bytes_before, cpu_before = log.stat().st_size, sum(process.cpu_times()[:2])
        sent: list[int] = []
        attacker = threading.Thread(target=lambda: sent.append(attack(port, lines, seconds)))
        attacker.start()
        began = busy = time.monotonic()
        spent = cpu_before
        while time.monotonic() - busy < seconds + CALM and time.monotonic() - began < watch:
            caller.ask()
            time.sleep(0.05)
            now = sum(process.cpu_times()[:2])
            if now - spent > 0.02 or attacker.is_alive():
                busy = time.monotonic()
            spent = now
        attacker.join()
        print(f"{sent[0]} lines sent in at most {seconds:g} s, then hung up")
        print(f"the other caller: {caller.asked} answers, longest wait {caller.longest:.3f} s")
        print(f"the gateway: {spent - cpu_before:.2f} s of CPU, busy for {busy - began:.1f} s")
        print(f"its log: {log.stat().st_size - bytes_before} bytes")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=190_000)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--watch", type=float, default=30.0)
    arguments = parser.parse_args()
    with workspace() as (directory, _):
        measure(directory, arguments.lines, arguments.seconds, arguments.watch)


if __name__ == "__main__":
    main()
