"""How fast the gateway is against a plain Twisted TLS writer of the same frames, and what it costs.

The rounds alternate between the two, so that what the machine does meanwhile falls on both. Prints the ratio
of the throughputs and the gateway's CPU for each notification, each with its spread.

    python -m bench.throughput [--count 150000] [--rounds 5] [--payloads shared|each]
"""

import argparse
import statistics
import subprocess
from pathlib import Path

import psutil

from bench.parts import (
    frame_size,
    free_port,
    gateway_config,
    python,
    running,
    spread,
    twistd,
    wait_for_port,
    workspace,
)  # fmt: skip
from pushgate.simulator.certificates import Certificates


def ask(process: "subprocess.Popen[str]", line: str) -> str:
    """Write a line to a program and read its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def plain(far_end: "subprocess.Popen[str]", port: int, certificates: Certificates, count: int) -> float:
    """Frames a second of the plain writer."""
    ask(far_end, "reset")
    with running(*python("plain_writer.py", port, certificates.client, certificates.ca, count)) as writer:
        assert writer.stdout is not None
        began = float(writer.stdout.readline())
        ended = float(ask(far_end, f"wait {count * frame_size()}"))
        writer.wait(20)
    return count / (ended - began)


def through_gateway(
    far_end: "subprocess.Popen[str]",
    directory: Path,
    certificates: Certificates,
    port: int,
    arguments: argparse.Namespace,
) -> tuple[float, float]:
    """Notifications a second through the gateway, and its CPU seconds for each."""
    ask(far_end, "reset")
    amp, count = free_port(), arguments.count
    config = gateway_config(directory, certificates, port, amp, window=arguments.window)
    with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as gateway:
        wait_for_port(amp, gateway)
        with running(*python("pusher.py", amp, count, arguments.payloads, 8)) as pusher:
            process = psutil.Process(gateway.pid)
            before = sum(process.cpu_times()[:2])
            began = float(ask(pusher, "go"))
            ended = float(ask(far_end, f"wait {count * frame_size()}"))
            spent = sum(process.cpu_times()[:2]) - before
            pusher.wait(20)
    return count / (ended - began), spent / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=150_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--payloads", choices=["shared", "each"], default="shared")
    parser.add_argument("--window", type=int, default=50_000)
    arguments = parser.parse_args()
    ratios, costs, rates = [], [], []
    with workspace() as (directory, certificates):
        port = free_port()
        with running(*python("far_end.py", port, certificates.server)) as far_end:
            wait_for_port(port, far_end)
            for number in range(arguments.rounds):
                yardstick = plain(far_end, port, certificates, arguments.count)
                rate, cost = through_gateway(far_end, directory, certificates, port, arguments)
                print(
                    f"round {number + 1}: plain writer {yardstick:,.0f}/s, gateway {rate:,.0f}/s,"
                    f" ratio {rate / yardstick:.3f}, gateway CPU {cost * 1e6:.2f} us each",
                    flush=True,
                )
                ratios.append(rate / yardstick)
                costs.append(cost * 1e6)
                rates.append(rate)
    print(spread("ratio", ratios, ""))
    print(spread("gateway CPU", costs, " us a notification"))
    good = statistics.median(ratios) >= 0.08 and statistics.median(costs) <= 10
    print(f"at least 0.08 and at most 10 us: {'yes' if good else 'NO'}")
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
