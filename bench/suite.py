"""Everything that pushgate is to reach, measured: a table with the figure reached beside each one wanted.

    python -m bench.suite [--rows 1 4 …] [--rounds 5] [--short] [--json FILE]

Runs the programs of `bench.targets` one after the other. A row is missed when not even its best round reaches
what is wanted at least; then the exit status is 1. With --short, for CI: two rounds of the CPU figures only,
each against twice of what is wanted, since a shared machine is slower by so much.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from bench.parts import ENVIRON, FIGURES, HERE
from bench.targets import TARGETS, Target

BOUND: Final = 1800
"""Seconds that one program may take."""
SLACK: Final = 2.0
"""By how much a figure may be missed with --short."""
SHORT: Final = {
    "dead_tokens": ("--count", "30000"),
    "throughput": ("--count", "100000"),
    "single_push": ("--count", "20000", "--seconds", "2"),
    "long_run": ("--total", "1000000", "--steps", "2"),
    "http_post": ("--seconds", "2"),
}
"""Arguments of the programs with --short."""


class Reached(NamedTuple):
    """What a target came to.

    :ivar values: a value a round; none when the program did not get so far.
    """

    target: Target
    values: list[float]

    def misses(self, slack: float) -> bool:
        """Whether not even the best round is good enough."""
        least = self.target.least * slack if self.target.falls else self.target.least / slack
        if not self.values:
            return True
        return min(self.values) > least if self.target.falls else max(self.values) < least

    def cells(self, slack: float) -> tuple[str, ...]:
        """The row of the table."""
        sign = "≤" if self.target.falls else "≥"
        median = f"{statistics.median(self.values):.3g}" if self.values else "none"
        spread = f"{min(self.values):.3g} to {max(self.values):.3g}" if self.values else ""
        wanted, aim = f"{sign} {self.target.least:g}", f"{sign} {self.target.aim:g}"
        verdict = "MISSED" if self.misses(slack) else "ok"
        return str(self.target.row), self.target.work, median, spread, wanted, aim, verdict


def run(program: tuple[str, ...], directory: Path) -> list[dict[str, Any]]:
    """Run a program; return the figures it printed."""
    figures = directory / "figures"
    figures.write_text("")
    name, *arguments = program
    print(f"== {' '.join(program)}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments],
        env=ENVIRON | {FIGURES: str(figures)}, cwd=HERE.parent, timeout=BOUND, check=False,
        stdout=sys.stderr,
    )  # fmt: skip
    found = [json.loads(line) for line in figures.read_text().splitlines()]
    if done.returncode and not found:
        print(f"bench.{name} ended with {done.returncode}", file=sys.stderr)
    return found


def measure(targets: Iterable[Target], arguments: argparse.Namespace) -> list[Reached]:
    """Run each program once, for all of its targets."""
    reached, figures = list[Reached](), dict[tuple[str, ...], list[dict[str, Any]]]()
    with TemporaryDirectory(prefix="pushgate-bench-") as directory:
        for target in targets:
            if target.program not in figures:
                figures[target.program] = run(with_options(target.program, arguments), Path(directory))
            named = (each for each in figures[target.program] if each["name"].startswith(target.figure))
            reached.append(Reached(target, next((each["values"] for each in named), [])))
    return reached


def with_options(program: tuple[str, ...], arguments: argparse.Namespace) -> tuple[str, ...]:
    """The program with the number of rounds, where it has any and says none, and shortened if wanted."""
    options: tuple[str, ...] = ()
    if "--rounds" not in program and program[0] != "long_run":
        options = ("--rounds", str(arguments.rounds))
    return (*program, *options, *(SHORT.get(program[0], ()) if arguments.short else ()))


def show(reached: list[Reached], slack: float) -> None:
    """Print the table."""
    table = Table("row", "work", "median", "spread", "at least", "aim", "")
    for each in reached:
        table.add_row(*each.cells(slack))
    Console(width=None if sys.stdout.isatty() else 130).print(table)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=sorted({each.row for each in TARGETS}))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    arguments.rounds = 2 if arguments.short else arguments.rounds
    slack = SLACK if arguments.short else 1.0
    chosen = [each for each in TARGETS if each.row in arguments.rows and (each.is_cpu or not arguments.short)]
    reached = measure(chosen, arguments)
    show(reached, slack)
    if arguments.json:
        results = [each.target._asdict() | {"values": each.values} for each in reached]
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    raise SystemExit(any(each.misses(slack) for each in reached))


if __name__ == "__main__":
    main()
