"""What a single `Push` over AMP costs the gateway, and how soon it is answered at a steady rate.

First many pushes with 500 in flight: the gateway's CPU for each, its outcome included. Then so many a second,
answered or not: the time from writing a push to its answer. Durable spool, outcomes to jsonl, metrics on.

    python -m bench.single_push [--count 100000] [--in-flight 500] [--rate 1000] [--seconds 10]
                                [--connections 4] [--rounds 3]

Checks in every round that each push had one answer, was sent once, and has one outcome. The gateway reads 256
commands ahead from one connection, so that 500 in flight take more than one.
"""

import argparse
import json
import statistics
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.durable_stand import Gateway, Records, gateway
from bench.parts import frame_size, free_port, python, running, spread, wait_for_port, workspace
from bench.throughput import ask
from pushgate.simulator.certificates import Certificates

WARM = 5_000
"""Pushes before the measurement."""
COST = 45
"""Microseconds of CPU for a push; 20 are aimed at."""
MEDIAN, LATE = 5, 25
"""Milliseconds until the answer, at the 50th and the 99th percentile; 3 and 10 are aimed at."""


class Round(NamedTuple):
    """What one round came to.

    :ivar rate: pushes a second in the flood.
    :ivar cost: microseconds of CPU of the gateway for each of them.
    :ivar own: the same of the program that pushes.
    :ivar median: milliseconds until half the answers were there, at the steady rate.
    :ivar late: the same for 99 of 100.
    :ivar unsteady: milliseconds by which 99 of 100 were sent late at most.
    """

    rate: float
    cost: float
    own: float
    median: float
    late: float
    unsteady: float


class FarEnd(NamedTuple):
    """The push service."""

    process: "subprocess.Popen[str]"
    port: int

    def wait_for(self, count: int) -> None:
        """Return when it has so many notifications."""
        answer = ask(self.process, f"wait {count * frame_size()}")
        if answer.startswith("only"):
            raise SystemExit(f"{answer}, not {count * frame_size()}")

    def check(self, count: int) -> None:
        """Fail when it has not just so many."""
        if (found := int(ask(self.process, "total"))) != count * frame_size():
            raise SystemExit(f"{found} bytes came, not {count * frame_size()}")


def percentile(values: list[float], share: int) -> float:
    """The value that so many of a hundred do not exceed, in milliseconds."""
    return statistics.quantiles(values, n=100)[share - 1] * 1000


def measured(
    directory: Path, certificates: Certificates, far_end: FarEnd, arguments: argparse.Namespace
) -> Round:
    """One round with a gateway of its own."""
    records = Records(directory / "outcomes.jsonl")
    total = WARM + arguments.count + arguments.rate * arguments.seconds
    ask(far_end.process, "reset")
    with (
        gateway(directory, certificates, {"news": {"port": far_end.port}}, records) as sender,
        running(*python("single_pusher.py", sender.amp, arguments.connections)) as pusher,
    ):
        flood = flooded(sender, pusher, records, arguments)
        far_end.wait_for(WARM + arguments.count)
        steady = answered(pusher, arguments)
        far_end.wait_for(total)
        records.wait_for(total)
        pusher.communicate("end\n", timeout=20)
    far_end.check(total)
    records.check({"news": (total, 0)})
    return Round(*flood, *steady)


def flooded(
    sender: Gateway, pusher: "subprocess.Popen[str]", records: Records, arguments: argparse.Namespace
) -> tuple[float, float, float]:
    """The rate, the gateway's cost and the pusher's, with many in flight."""
    count, in_flight = arguments.count, arguments.in_flight
    ask(pusher, f"flood 0 {WARM} {in_flight}")
    records.wait_for(WARM)
    before = sender.spent()
    seconds, own = map(float, ask(pusher, f"flood {WARM} {count} {in_flight}").split())
    records.wait_for(WARM + count)
    cost = sender.spent() - before
    return count / seconds, cost / count * 1e6, own / count * 1e6


def answered(pusher: "subprocess.Popen[str]", arguments: argparse.Namespace) -> tuple[float, float, float]:
    """The median and the 99th percentile of the time to an answer, and how late 99 of 100 were sent."""
    count = arguments.rate * arguments.seconds
    took, late = json.loads(ask(pusher, f"steady {WARM + arguments.count} {count} {arguments.rate}"))
    return percentile(took, 50), percentile(took, 99), percentile(late, 99)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--in-flight", type=int, default=500)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        port = free_port()
        with running(*python("far_end.py", port, certificates.server)) as process:
            wait_for_port(port, process)
            rounds = []
            for number in range(arguments.rounds):
                rounds.append(measured(directory, certificates, FarEnd(process, port), arguments))
                print(f"round {number + 1}: {rounds[-1]}", flush=True)
    raise SystemExit(not reported(rounds))


def reported(rounds: list[Round]) -> bool:
    """Print the figures; return whether they are good enough."""
    print(spread("pushes in the flood", [each.rate for each in rounds], "/s", ",.0f"))
    print(spread("CPU of the program that pushes", [each.own for each in rounds], " us a push"))
    print(spread("sent late, 99 %", [each.unsteady for each in rounds], " ms"))
    good = True
    for name, values, unit, limit in (
        ("CPU of the gateway", [each.cost for each in rounds], " us a push", COST),
        ("answer, 50 %", [each.median for each in rounds], " ms", MEDIAN),
        ("answer, 99 %", [each.late for each in rounds], " ms", LATE),
    ):
        enough = statistics.median(values) <= limit
        print(spread(name, values, unit))
        print(f"at most {limit}{unit}: {'yes' if enough else 'NO'}")
        good = good and enough
    return good


if __name__ == "__main__":
    main()
