"""What two apps in trouble cost the other eight in one gateway.

Ten apps are pushed at the same time, a payload each: the service of one cannot be reached, one has dead
tokens. Beside it, in turns, the same eight without those two, and, to tell trouble from load, the same ten
with none in trouble. Durable spool, outcomes to jsonl, metrics on, over AMP.

    python -m bench.neighbours [--count 20000] [--dead 0.01] [--connections 4] [--rounds 5]

COUNT is of each app. The rate is of the eight, until their service had accepted the last. Checks in every
round that it accepted each once, as did that of the app with dead tokens, and that the outcomes say so.
"""

import argparse
import contextlib
import socket
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.durable_stand import Records, Service, gateway, service
from bench.parts import python, running, spread, workspace
from bench.throughput import ask
from pushgate.simulator.certificates import Certificates

HEALTHY = [f"good{number}" for number in range(8)]
UNREACHABLE, DEAD = "unreachable", "dead"
RATIO = 0.9
"""Of the rate of eight alone, at least; 0.98 is aimed at."""


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that nothing listens on, and that nothing else can get."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        yield port


class Stand(NamedTuple):
    """What all rounds have in common."""

    directory: Path
    certificates: Certificates
    arguments: argparse.Namespace

    def eight(self) -> float:
        """The rate of the eight alone."""
        return self.rate(dict.fromkeys(HEALTHY, 0.0))

    def ten(self) -> float:
        """The rate of the eight beside two like them."""
        return self.rate(dict.fromkeys([*HEALTHY, DEAD, "another"], 0.0))

    def troubled(self) -> float:
        """The rate of the eight beside two in trouble."""
        return self.rate({**dict.fromkeys([*HEALTHY, UNREACHABLE], 0.0), DEAD: self.arguments.dead})

    def rate(self, apps: Mapping[str, float]) -> float:
        """Notifications a second of the eight.

        :param apps: the share of dead tokens of each.
        """
        with (
            service(self.certificates) as good,
            service(self.certificates) as other,
            closed_port() as closed,
        ):
            ports = {
                **dict.fromkeys(apps, other.port),
                **dict.fromkeys(HEALTHY, good.port),
                UNREACHABLE: closed,
            }
            return self.through_gateway(apps, ports, good, other)

    def through_gateway(
        self, apps: Mapping[str, float], ports: Mapping[str, int], good: Service, other: Service
    ) -> float:
        """The same with these services."""
        count: int = self.arguments.count
        records = Records(self.directory / "outcomes.jsonl")
        expected = {app: (count, round(count * dead)) for app, dead in apps.items() if app != UNREACHABLE}
        settings = {app: {"port": ports[app], "connections": self.arguments.connections} for app in apps}
        names = [f"{app}={dead}" for app, dead in apps.items()]
        with gateway(self.directory, self.certificates, settings, records) as sender:
            with running(*python("pusher_of_apps.py", sender.amp, count, 8, *names)) as pusher:
                began = float(ask(pusher, "go"))
                ended = good.wait_for(len(HEALTHY) * count)
                if pusher.wait(60):
                    raise SystemExit("pushing failed")
            other.wait_for(sum(expected[app][0] - expected[app][1] for app in expected.keys() - set(HEALTHY)))
            records.wait_for(len(expected) * count)
        records.check(expected)
        return len(HEALTHY) * count / (ended - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--dead", type=float, default=0.01)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        stand = Stand(directory, certificates, arguments)
        measures = {"eight": stand.eight, "ten, two in trouble": stand.troubled, "ten": stand.ten}
        found: dict[str, list[float]] = {name: [] for name in measures}
        for number in range(arguments.rounds):
            for name, measure in measures.items():
                found[name].append(measure())
                print(f"round {number + 1}: {name}: {found[name][-1]:,.0f}/s of the eight", flush=True)
    raise SystemExit(not reported(found))


def reported(found: dict[str, list[float]]) -> bool:
    """Print the figures; return whether they are good enough."""
    eight, troubled, ten = found.values()
    for name, rates in found.items():
        print(spread(f"rate of the eight, {name}", rates, "/s", ",.0f"))
    print(spread("two in trouble / ten", [one / other for one, other in zip(troubled, ten, strict=True)], ""))
    ratios = [one / other for one, other in zip(troubled, eight, strict=True)]
    print(spread("two in trouble / eight", ratios, ""))
    good = statistics.median(ratios) >= RATIO
    print(f"at least {RATIO}: {'yes' if good else 'NO'}")
    return good


if __name__ == "__main__":
    main()
