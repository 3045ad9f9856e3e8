"""How fast the line input is against a server that only splits the same bytes into lines.

Rounds alternate between the two. The input answers every line with an id; its gateway takes everything and
keeps nothing. Prints lines a second, CPU for each line, and the ratio of both, with their spread.

    python -m bench.line [--lines 200000] [--rounds 5]
"""

import argparse
import selectors
import socket
import statistics
import subprocess
import time
from typing import NamedTuple

import psutil

from bench.parts import python, running, spread, tokens

ALERT = '{"aps":{"alert":"Order %d is on its way and will arrive today"},"order":%d}'


class Round(NamedTuple):
    """What one run came to: lines a second, and microseconds of CPU for a line."""

    rate: float
    cpu: float


def lines(form: str, count: int) -> bytes:
    """So many lines that push, each to another device with another payload."""
    made = []
    for number, token in enumerate(tokens(count)):
        payload = ALERT % (number, number)
        made.append(
            f'{{"app":"news","token":"{token.hex()}","payload":{payload}}}\n'
            if form == "json"
            else f"PUSH news {token.hex()} {payload}\n"
        )
    return "".join(made).encode()


def exchange(port: int, data: bytes, answers: int) -> None:
    """Send all, reading meanwhile, until so many answers came."""
    with socket.create_connection(("127.0.0.1", port)) as peer, selectors.DefaultSelector() as selector:
        peer.setblocking(False)
        selector.register(peer, selectors.EVENT_READ | selectors.EVENT_WRITE)
        view = memoryview(data)
        while answers:
            for _, ready in selector.select():
                if ready & selectors.EVENT_WRITE:
                    view = view[peer.send(view[: 1 << 18]) :]
                    if not view:
                        selector.modify(peer, selectors.EVENT_READ)
                if ready & selectors.EVENT_READ:
                    answers -= peer.recv(1 << 18).count(b"\n")


def measure(kind: str, data: bytes, count: int) -> Round:
    """One run with a server of its own, after a short one that warms it up."""
    with running(*python("line_server.py", kind)) as server:
        port = _port(server)
        answers = count + 1 if kind == "input" else 1
        exchange(port, data[: data.index(b"\n") + 1] + b"QUIT\n", 2 if kind == "input" else 1)
        process = psutil.Process(server.pid)
        began, before = time.monotonic(), sum(process.cpu_times()[:2])
        exchange(port, data + b"QUIT\n", answers)
        took, spent = time.monotonic() - began, sum(process.cpu_times()[:2]) - before
    return Round(count / took, spent / count * 1e6)


def _port(server: "subprocess.Popen[str]") -> int:
    assert server.stdout is not None
    return int(server.stdout.readline())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for form in ("json", "text"):
        data = lines(form, arguments.lines)
        rounds = [
            (measure("bare", data, arguments.lines), measure("input", data, arguments.lines))
            for _ in range(arguments.rounds)
        ]
        print(f"{form}: {len(data) / arguments.lines:.0f} bytes a line")
        for name, runs in zip(("bare split", "line input"), zip(*rounds, strict=True), strict=True):
            print("  " + spread(name, [run.rate for run in runs], " lines/s", ".0f"))
            print("  " + spread(f"{name}, CPU", [run.cpu for run in runs], " us/line"))
        ratios = [taken.rate / bare.rate for bare, taken in rounds]
        shares = [bare.cpu / taken.cpu for bare, taken in rounds if taken.cpu]  # a short run may show none
        print("  " + spread(f"{form}: input / bare, lines a second", ratios, "", ".2f"))
        if shares:
            print("  " + spread(f"{form}: bare / input, CPU a line", shares, "", ".2f"))
        print(f"  ratio {statistics.median(ratios):.2f} (at least 0.20 is wanted)")


if __name__ == "__main__":
    main()
