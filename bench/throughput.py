"""How fast the gateway is against a plain Twisted TLS writer of the same frames, and what it costs.

The rounds alternate between the two, so that what the machine does meanwhile falls on both. Prints the ratio
of the throughputs and the gateway's CPU for each notification, each with its spread.

    python -m bench.throughput [--count 150000] [--rounds 5] [--payloads shared|each]
                               [--spool memory|durable|both] [--ledger] [--sinks] [--delivery at-most-once]

With both spools also the ratio of the durable one's throughput to the other's, round by round.
"""

import argparse
import contextlib
import statistics
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.durable_stand import Records, sink_tables
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
    spool: str,
) -> tuple[float, float]:
    """Notifications a second through the gateway, and its CPU seconds for each."""
    ask(far_end, "reset")
    amp = free_port()
    with contextlib.ExitStack() as stack:
        state = "memory"
        if spool == "durable":
            state = stack.enter_context(TemporaryDirectory(dir=directory))
        # With a short timeout the outcomes, and what the ledger does with them, fall into the measurement.
        early = {"response_timeout": "100ms"} if arguments.ledger or arguments.sinks else {}
        early["delivery"] = arguments.delivery
        config = gateway_config(directory, certificates, port, amp, state, window=arguments.window, **early)
        if arguments.ledger:
            config.write_text(config.read_text() + '[sinks.ledger]\ntype = "ledger"\n')
        records = Records(directory / "outcomes.jsonl") if arguments.sinks else None
        if records is not None:
            config.write_text(config.read_text() + "\n".join([*sink_tables(free_port(), records), ""]))
        return measured(far_end, config, directory, amp, arguments, records)


def measured(
    far_end: "subprocess.Popen[str]",
    config: Path,
    directory: Path,
    amp: int,
    arguments: argparse.Namespace,
    records: Records | None,
) -> tuple[float, float]:
    """Notifications a second through a gateway with this configuration, and its CPU seconds for each."""
    count = arguments.count
    with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as gateway:
        wait_for_port(amp, gateway)
        with running(*python("pusher.py", amp, count, arguments.payloads, 8)) as pusher:
            process = psutil.Process(gateway.pid)
            before = sum(process.cpu_times()[:2])
            began = float(ask(pusher, "go"))
            ended = float(ask(far_end, f"wait {count * frame_size()}"))
            pusher.wait(20)
            if records is not None:
                records.wait_for(count)
            spent = sum(process.cpu_times()[:2]) - before
    return count / (ended - began), spent / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=150_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--payloads", choices=["shared", "each"], default="shared")
    parser.add_argument("--window", type=int, default=50_000)
    parser.add_argument("--spool", choices=["memory", "durable", "both"], default="memory")
    parser.add_argument("--delivery", choices=["at-least-once", "at-most-once"], default="at-least-once")
    parser.add_argument("--ledger", action="store_true", help="with a ledger sink, and early outcomes")
    parser.add_argument("--sinks", action="store_true", help="outcomes to jsonl, which count too; metrics")
    arguments = parser.parse_args()
    spools = ["memory", "durable"] if arguments.spool == "both" else [arguments.spool]
    rounds: list[dict[str, tuple[float, float, float]]] = []
    with workspace() as (directory, certificates):
        port = free_port()
        with running(*python("far_end.py", port, certificates.server)) as far_end:
            wait_for_port(port, far_end)
            for number in range(arguments.rounds):
                yardstick = plain(far_end, port, certificates, arguments.count)
                rounds.append({})
                for spool in spools:
                    rate, cost = through_gateway(far_end, directory, certificates, port, arguments, spool)
                    rounds[-1][spool] = rate, rate / yardstick, cost * 1e6
                    print(
                        f"round {number + 1}: plain writer {yardstick:,.0f}/s,"
                        f" gateway ({spool}) {rate:,.0f}/s, ratio {rate / yardstick:.3f},"
                        f" gateway CPU {cost * 1e6:.2f} us each",
                        flush=True,
                    )
    raise SystemExit(not all([reported(rounds, spools), arguments.spool != "both" or compared(rounds)]))


def reported(rounds: list[dict[str, tuple[float, float, float]]], spools: list[str]) -> bool:
    """Print the figures of each spool; return whether those of the first are good enough."""
    for spool in spools:
        print(spread(f"ratio ({spool})", [each[spool][1] for each in rounds], ""))
        print(spread(f"gateway CPU ({spool})", [each[spool][2] for each in rounds], " us a notification"))
    ratio, cost = (statistics.median(each[spools[0]][at] for each in rounds) for at in (1, 2))
    good = ratio >= 0.08 and cost <= 10
    print(f"at least 0.08 and at most 10 us: {'yes' if good else 'NO'}")
    return good


def compared(rounds: list[dict[str, tuple[float, float, float]]]) -> bool:
    """Print how the spools compare; return whether the durable one is fast enough."""
    ratios = [each["durable"][0] / each["memory"][0] for each in rounds]
    print(spread("durable / memory", ratios, ""))
    good = statistics.median(ratios) >= 0.65
    print(f"at least 0.65: {'yes' if good else 'NO'}")
    return good


if __name__ == "__main__":
    main()
