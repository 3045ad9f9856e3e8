"""The audit of faults: each one a push service may have, alone and in random sequences, on a real gateway.

    python -m bench.faults [--seed N] [--examples K] [NAME …]

Real TLS on loopback and a durable spool; the simulator's own record is the oracle. Nothing may be lost; twice
may come only what was in flight when a connection ended silently, and nothing under at-most-once; each
has exactly one outcome, the right one, or one correction of a presumption. Else the exit status is 1.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.fault_audit import Verdict
from bench.fault_stand import RESPONSE_TIMEOUT, Program, Stand, run
from pushgate.model.notification import Delivery

POISON: Final = "0001" + f"{60:060x}"
"""The token of one notification in the middle of the first batch."""
LATE: Final = f"{2 * RESPONSE_TIMEOUT:g}s"


def one(act: str, **rule: Any) -> Program:
    """A program with one rule, which fires twice unless it says otherwise."""
    return Program(({"act": act, "times": 2, **rule},))


FAULTS: Final = {
    "none": Program(),
    "dead tokens": Program(dead=20),
    "temporary error": one("reject", status=1, frame=30),
    "temporary error that stays": one("reject", status=255, token=POISON, times=0),
    "undefined status": one("reject", status=77, frame=30),
    "refused without a cause": one("reject", status=8, frame=30),
    "error in pieces": one("reject", status=8, frame=30, split=[1, 2, 2]),
    "garbage after the error": one("reject", status=8, frame=30, garbage="00ff0808"),
    "error, then reset": one("reject", status=8, frame=30, end="reset"),
    "error, then half-close": one("reject", status=8, frame=30, end="half-close"),
    "delayed error": one("reject", status=8, frame=30, delay="200ms"),
    "late error": replace(one("reject", status=8, frame=30, delay=LATE), tail=6.0),
    "error closed with unread data": one("reject", status=8, frame=30, linger=False),
    "error lost": one("reject", status=8, frame=30, lost=True),
    "error with an unknown identifier": one("reject", status=8, frame=30, identifier=0xFFFFFFFF),
    "error with identifier 0": one("reject", status=8, frame=30, identifier=0),
    "wrong command byte": one("reject", status=8, frame=30, command=9),
    "shutdown (10)": one("shutdown", frame=30, times=4),
    "shutdown at the first frame": one("shutdown", frame=1),
    "shutdown naming a stranger": one("shutdown", frame=30, identifier=0xFFFFFFF0),
    "shutdown naming 0, truly": one("shutdown", frame=0),
    "silent close": one("close", frame=30),
    "silent close with unread data": one("close", frame=30, linger=False),
    "delayed silent close": one("close", frame=30, delay="100ms"),
    "closed at once": one("close", frame=0, times=4),
    "reset": one("reset", frame=30),
    "half-close": one("half-close", frame=30),
    "poison": replace(one("close", token=POISON, times=0), batches=(70, 20)),
    "stops reading for a time": replace(one("stall", frame=30, duration=LATE), tail=2.0),
    "TLS alert: certificate revoked": one("tls-alert"),
    "TLS alert: certificate expired": one("tls-alert", alert=45),
    "TLS alert: handshake failure": one("tls-alert", alert=40),
    "refused": one("refuse", duration="3s"),
    "refused, extended by each attempt": one("refuse", duration="3s", extend=True, times=1),
    "small window": replace(one("close", frame=30), window=8),
}  # fmt: skip
"""Each fault alone, under at-least-once; `main` runs it under at-most-once too."""


def _rules() -> "st.SearchStrategy[dict[str, Any]]":
    """Any rule that ends in finite time and does not lie about a notification that is in flight."""
    when: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.fixed_dictionaries({"frame": st.integers(1, 60), "times": st.integers(1, 3)}),
        st.fixed_dictionaries({"connection": st.integers(1, 4), "frame": st.integers(1, 60)}),
        st.fixed_dictionaries({"probability": st.sampled_from([0.01, 0.03]), "times": st.integers(1, 4)}),
        st.fixed_dictionaries({"frame": st.just(0), "times": st.integers(1, 2)}),
    )
    delay = st.sampled_from(["0s", "50ms", "150ms"])
    answer = st.fixed_dictionaries(
        {"delay": delay},
        optional={
            "split": st.lists(st.integers(1, 3), max_size=3),
            "garbage": st.sampled_from(["00", "0808"]),
            "end": st.sampled_from(["close", "reset", "half-close"]),
            "lost": st.booleans(),
            "linger": st.booleans(),
            "command": st.sampled_from([8, 8, 8, 0]),
            "identifier": st.just(0xFFFFFFFF),
        },
    )
    status = st.sampled_from([0, 1, 2, 5, 7, 8, 77, 128, 255])
    ends, alerts = st.sampled_from(["reset", "half-close"]), st.sampled_from([40, 44, 45])
    few, either = st.integers(1, 2), st.booleans()
    return st.one_of(
        st.builds(lambda w, a, s: {"act": "reject", "status": s, **w, **a}, when, answer, status),
        st.builds(lambda w, a: {"act": "shutdown", **w, **a}, when, answer),
        st.builds(lambda w, d, g: {"act": "close", **w, "delay": d, "linger": g}, when, delay, either),
        st.builds(lambda w, a, d: {"act": a, **w, "delay": d}, when, ends, delay),
        st.builds(lambda w: {"act": "stall", "duration": "100ms", **w}, when),
        st.builds(lambda n, a: {"act": "tls-alert", "times": n, "alert": a}, few, alerts),
        st.builds(lambda n, e: {"act": "refuse", "times": n, "duration": "2s", "extend": e}, few, either),
    )


def programs() -> "st.SearchStrategy[Program]":
    """Random sequences of faults."""
    return st.builds(
        Program,
        script=st.lists(_rules(), min_size=1, max_size=5).map(tuple),
        delivery=st.sampled_from(Delivery),
        batches=st.lists(st.integers(1, 80), min_size=1, max_size=4).map(tuple),
        connections=st.integers(1, 3),
        window=st.sampled_from([1, 7, 50, 1000]),
        dead=st.sampled_from([0, 11, 30]),
    )


def judge(name: str, program: Program, certificates: Path, stand: type[Stand] = Stand) -> Verdict:
    """Run and print."""
    found = run(program, certificates, stand)
    print(f"{'ok  ' if found.good else 'FAIL'} {name}: {found.line()}", flush=True)
    if not found.good:
        print(f"     {found}\n     {program}", flush=True)
    return found


def random_programs(
    programs: "st.SearchStrategy[Program]", count: int, start: int, certificates: Path, stand: type[Stand]
) -> bool:
    """Whether so many random programs all go well; all are run."""
    verdicts: list[bool] = []

    @seed(start)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(programs)
    def check(program: Program) -> None:
        acts = ", ".join(rule["act"] for rule in program.script)
        found = judge(f"{len(verdicts) + 1}: {program.delivery}: {acts}", program, certificates, stand)
        verdicts.append(found.good)

    check()
    return all(verdicts)


def main(
    faults: Mapping[str, Program], programs: "st.SearchStrategy[Program]", stand: type[Stand] = Stand
) -> None:
    """Run all, or the faults that are named, and then the random sequences."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="of the random sequences")
    parser.add_argument("--examples", type=int, default=50, help="random sequences")
    parser.add_argument("name", nargs="*", help=f"of {', '.join(faults)}")
    arguments = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="pushgate-faults-") as directory:
        certificates = Path(directory)
        for name in arguments.name or faults:
            for delivery in Delivery:
                program = replace(faults[name], delivery=delivery)
                good = judge(f"{name}: {delivery}", program, certificates, stand).good and good
        if arguments.examples and not arguments.name:
            many, start = arguments.examples, arguments.seed
            good = random_programs(programs, many, start, certificates, stand) and good
    sys.exit(not good)


if __name__ == "__main__":
    main(FAULTS, programs())
