"""Whether one gateway process costs the same after ten million notifications as after a hundred thousand.

Pushes in steps of 100,000, in batches of 500 with a shared payload, every token new. Compares the gateway's
CPU for a notification in the first steps after a warm-up of one with that in the first steps beyond the
total, and prints its memory at both. Those last steps alternate with steps of a second gateway that has just
been started: what the machine does meanwhile falls on both. Durable spool, metrics on, over AMP.

    python -m bench.long_run [--total 10000000] [--steps 5] [--outcomes]

Outcomes go to a jsonl file only with --outcomes, emptied after each step: ten million are about 3 GB.
Checks after each step that the push service had every notification once, and that each has an outcome.
"""

import argparse
import contextlib
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.durable_stand import PATIENCE, SENT, Gateway, Records, gateway
from bench.parts import frame_size, free_port, python, running, spread, wait_for_port, workspace
from bench.throughput import ask
from pushgate.simulator.certificates import Certificates

STEP = 100_000
RATIO = 1.2
"""What a notification may cost in the end, to what it cost at first; 1.05 is aimed at."""


class Step(NamedTuple):
    """What one step came to: microseconds of CPU for a notification, MB of memory at its end."""

    cost: float
    resident: float


class Run(NamedTuple):
    """The gateway, and the push service."""

    sender: Gateway
    far_end: "subprocess.Popen[str]"
    records: Records | None

    def step(self, number: int) -> Step:
        """Push the next hundred thousand, and wait until they have their outcomes."""
        start = number * STEP
        ask(self.far_end, "reset")
        with running(*python("pusher.py", self.sender.amp, STEP, "shared", 8, 0, start)) as pusher:
            before = self.sender.spent()
            ask(pusher, "go")
            answer = ask(self.far_end, f"wait {STEP * frame_size()}")
            if answer.startswith("only") or pusher.wait(20):
                raise SystemExit(f"step {number} failed: {answer}")
        self.settled(start + STEP)
        spent = self.sender.spent() - before
        self.check(start + STEP)
        return Step(spent / STEP * 1e6, self.sender.resident())

    def settled(self, total: int) -> None:
        """Return when so many have an outcome."""
        end = time.monotonic() + PATIENCE
        while (found := self.sender.outcomes().total()) < total:
            if time.monotonic() > end:
                raise SystemExit(f"outcomes are missing: {found:,} of {total:,}")
            time.sleep(0.1)

    def check(self, total: int) -> None:
        """Fail when something was sent twice, or has another outcome than it has to have."""
        if (found := int(ask(self.far_end, "total"))) != STEP * frame_size():
            raise SystemExit(f"sent twice: {found} bytes came, not {STEP * frame_size()}")
        outcomes = self.sender.outcomes()
        if outcomes.total() != total or set(outcomes) != SENT & set(outcomes):
            raise SystemExit(f"wrong outcomes: {outcomes}, {total:,} sent")
        if self.records is not None:
            self.records.wait_for(STEP)
            self.records.check({"news": (STEP, 0)})
            self.records.clear()


class Found(NamedTuple):
    """The steps that are compared: after the warm-up, beyond the total, and those of a young gateway then."""

    early: list[Step]
    late: list[Step]
    fresh: list[Step]


class Stand(NamedTuple):
    """The push service, and what a gateway needs."""

    directory: Path
    certificates: Certificates
    far_end: "subprocess.Popen[str]"
    port: int
    outcomes: bool

    @contextlib.contextmanager
    def gateway(self, name: str) -> Iterator[Run]:
        """A gateway that has not sent anything."""
        directory = self.directory / name
        directory.mkdir()
        records = Records(directory / "outcomes.jsonl") if self.outcomes else None
        with gateway(directory, self.certificates, {"news": {"port": self.port}}, records) as sender:
            yield Run(sender, self.far_end, records)

    def measured(self, total: int, count: int) -> Found:
        """Push everything.

        :param count: how many steps are compared.
        """
        last, steps, fresh = max(total // STEP, 1 + count), [], []
        with self.gateway("old") as old:
            for number in range(last):
                steps.append(old.step(number))
                if number in {0, count} or number % 10 == 9:
                    print(f"{(number + 1) * STEP:,} sent: {steps[-1]}", flush=True)
            with self.gateway("young") as young:
                young.step(0)
                for number in range(count):
                    steps.append(old.step(last + number))
                    fresh.append(young.step(1 + number))
        return Found(steps[1 : 1 + count], steps[last:], fresh)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--total", type=int, default=10_000_000)
    parser.add_argument("--steps", type=int, default=5, help="steps that are compared at each end")
    parser.add_argument("--outcomes", action="store_true", help="with a jsonl sink")
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        port = free_port()
        with running(*python("far_end.py", port, certificates.server)) as far_end:
            wait_for_port(port, far_end)
            stand = Stand(directory, certificates, far_end, port, arguments.outcomes)
            found = stand.measured(arguments.total, arguments.steps)
    raise SystemExit(not reported(found))


def reported(found: Found) -> bool:
    """Print the figures; return whether they are good enough."""
    for name, steps in found._asdict().items():
        print(spread(f"{name}: CPU of the gateway", [each.cost for each in steps], " us a notification"))
        print(spread(f"{name}: memory of the gateway", [each.resident for each in steps], " MB", ".0f"))
    print(spread("late / early", compared(found.late, found.early), ""))
    ratios = compared(found.late, found.fresh)  # in turns: the machine changes from early to late
    print(spread("late / fresh", ratios, ""))
    good = statistics.median(ratios) <= RATIO
    print(f"at most {RATIO}: {'yes' if good else 'NO'}")
    return good


def compared(some: list[Step], others: list[Step]) -> list[float]:
    """What a notification of each step costs, to what it costs in the other's."""
    return [one.cost / other.cost for one, other in zip(some, others, strict=True)]


if __name__ == "__main__":
    main()
