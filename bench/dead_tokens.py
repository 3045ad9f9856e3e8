"""How fast the gateway is when tokens are dead, beside itself when none is, and what each dead one costs.

Each dead token ends the connection it was sent on, and what was written after it is sent again. The rounds
alternate; durable spool, outcomes to jsonl, metrics on, a payload each, over AMP.

    python -m bench.dead_tokens [--count 100000] [--dead 0.01] [--connections 8] [--rounds 5]
                                [--blind] [--service COMMAND]

Checks in every round that the service accepted each live token once, and that the outcomes say so.
With --blind, beside a sender that writes ahead, waits until the service has closed the connection that had
an error, and goes on behind it. COMMAND starts another push service; in it {port}, {stat_port},
{certificate} and {authority} are replaced.
"""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.durable_stand import Records, Service, gateway, service
from bench.parts import python, running, spread, workspace
from bench.throughput import ask
from pushgate.simulator.certificates import Certificates


class Round(NamedTuple):
    """What one round came to.

    :ivar rate: notifications a second until the service had accepted the last live one.
    :ivar cost: CPU seconds of the sender.
    """

    rate: float
    cost: float


class Stand(NamedTuple):
    """What all rounds have in common."""

    directory: Path
    certificates: Certificates
    arguments: argparse.Namespace

    def gateway(self, dead: float) -> Round:
        """Push all through a gateway."""
        count, records = self.arguments.count, Records(self.directory / "outcomes.jsonl")
        with self.service() as service:
            apps = {"news": {"port": service.port, "connections": self.arguments.connections}}
            with gateway(self.directory, self.certificates, apps, records) as sender:
                with running(*python("pusher.py", sender.amp, count, "each", 8, dead)) as pusher:
                    before = sender.spent()
                    began = float(ask(pusher, "go"))
                    ended = service.wait_for(count - round(count * dead))
                    pusher.wait(20)
                records.wait_for(count)
                spent = sender.spent() - before
            records.check({"news": (count, round(count * dead))})
        return Round(count / (ended - began), spent)

    def service(self) -> AbstractContextManager[Service]:
        """A push service that has seen nothing."""
        return service(self.certificates, self.arguments.service)

    def blind(self, dead: float) -> Round:
        """Push all by the blind sender."""
        count = self.arguments.count
        with self.service() as service, running(*python(
            "blind_sender.py", service.port, self.certificates.client, self.certificates.ca, count, dead
        )) as sender:  # fmt: skip
            assert sender.stdout is not None
            began = float(sender.stdout.readline())
            ended = service.wait_for(count - round(count * dead))
            process = psutil.Process(sender.pid)
            spent = sum(process.cpu_times()[:2])
        return Round(count / (ended - began), spent)


def measured(name: str, rounds: int, measures: dict[str, Callable[[], Round]]) -> dict[str, list[Round]]:
    """All rounds of all measures, in turns."""
    found: dict[str, list[Round]] = {each: [] for each in measures}
    for number in range(rounds):
        for each, measure in measures.items():
            found[each].append(measure())
            print(
                f"{name} {number + 1}: {each}: {found[each][-1].rate:,.0f}/s,"
                f" {found[each][-1].cost:.2f} s of CPU", flush=True,
            )  # fmt: skip
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--dead", type=float, default=0.01)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--service", default="")
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        stand = Stand(directory, certificates, arguments)
        measures = {
            "dead": lambda: stand.gateway(arguments.dead),
            "none dead": lambda: stand.gateway(0.0),
            **({"blind": lambda: stand.blind(arguments.dead)} if arguments.blind else {}),
        }
        found = measured("round", arguments.rounds, measures)
    report(found, round(arguments.count * arguments.dead))


def report(found: dict[str, list[Round]], dead: int) -> None:
    """Print what it comes to."""
    for name, rounds in found.items():
        print(spread(name, [each.rate for each in rounds], "/s", ",.0f"))
    pairs = list(zip(found["dead"], found["none dead"], strict=True))
    print(spread("rate / with none dead", [slow.rate / fast.rate for slow, fast in pairs], ""))
    costs = [(slow.cost - fast.cost) / dead * 1000 for slow, fast in pairs]
    print(spread("CPU of the gateway for a dead token", costs, " ms"))
    if "blind" in found:
        both = zip(found["dead"], found["blind"], strict=True)
        print(spread("rate / blind sender", [ours.rate / theirs.rate for ours, theirs in both], ""))


if __name__ == "__main__":
    main()
