"""The audit of faults over every push service but Apple's: each one, alone and in random sequences.

    python -m bench.service_faults [--service NAME …] [--seed N] [--examples K] [--only NAME …]

As `bench.faults`: nothing may be lost; twice may come only what was accepted and not answered, and nothing
under at-most-once; each has exactly one outcome, the right one. Else the exit status is 1. The programs of a
service are every row of its table of answers, and what can happen to connections and access tokens.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from msgspec.structs import replace

from bench.fault_audit import Verdict
from bench.fault_stand import Program
from bench.faults import judge, random_programs
from bench.service_apps import SERVICE_APPS
from bench.service_stand import REQUEST_TIMEOUT, stand_of
from pushgate.model.dead_token import DOUBTFUL
from pushgate.model.notification import Delivery
from pushgate.protocols.http_push.answers import Answer, Follows

LATE: Final = f"{2 * REQUEST_TIMEOUT:g}s"
HTTP2: Final = SERVICE_APPS.keys() - {"wns", "mpns"}
TOKENS: Final = frozenset(name for name, app in SERVICE_APPS.items() if app.has_tokens)
"""Those with access tokens of a token service."""
SIGNED: Final = frozenset({"hms-v3"})
"""Those whose tokens are signed here."""
SMALL: Final = (30, 10, 20)
"""Notifications of each batch: over HTTP/1.1 one after the other."""


def one(act: str, **rule: Any) -> Program:
    """A program with one rule, which fires twice unless it says otherwise."""
    return Program(({"act": act, "times": 2, **rule},), batches=SMALL)


CONNECTIONS: Final = {
    "none": Program(batches=SMALL),
    "dead targets": Program(batches=SMALL, dead=7),
    "connection closed": one("drop", request=12),
    "connection closed after it was accepted": one("drop", request=12, accepted=True),
    "connection reset": one("drop", request=12, end="reset"),
    "slow answers": one("slow", delay="100ms", every=3, times=10),
    "an answer too late": one("slow", delay=LATE, request=12),
    "no answer": one("silence", request=12),
    "no answer to what was accepted": one("silence", request=12, accepted=True),
    "connection refused": one("refuse", duration="3s", times=1),
    "TLS alert": one("tls-alert", alert=40),
}
"""What any service may do."""
STREAMS: Final = {
    "GOAWAY": one("goaway", request=12),
    "GOAWAY before the request": one("goaway", request=12, accepted=False),
    "GOAWAY again and again": one("goaway", every=9, times=6),
    "stream refused": one("rst-stream", code="REFUSED_STREAM", every=10, times=4),
    "stream reset": one("rst-stream", code="INTERNAL_ERROR", every=10, times=4),
    "fewer streams": one("settings", request=10, streams=1),
}
"""What one may do that speaks HTTP/2."""
REFUSED_TOKENS: Final = {
    "access token refused in the middle": one("answer", status=401, request=12, times=1),
}
"""What may happen to a token that goes with requests."""
ACCESS_TOKENS: Final = {
    "token service in trouble": one("answer", status=503, call="token", times=2),
    "token service silent": one("silence", call="token", times=1),
    "token service closes": one("drop", call="token", times=2),
}
"""What may happen where it is had from a token service."""


TOLD: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("fcm", "INVALID_ARGUMENT"): {"message": "Invalid value", "field": "message.android.ttl"},
    ("wns", "DomainBlocked"): {"message": "The domain is blocked"},
    ("mpns", "queuefull"): {"reason": "QueueFull"},
    ("mpns", "suppressed"): {"reason": "Suppressed"},
    ("mpns", "dropped"): {"headers": {"X-NotificationStatus": "Dropped"}},
}
"""What an answer says besides its word, or in place of it, where that alone means something else."""


def answers(kind: str) -> Iterable[Answer]:
    """The rows of a service's table, but that of success."""
    module = import_module(f"pushgate.protocols.{SERVICE_APPS[kind].kind}.reasons")
    rows = [*module.ANSWERS, *getattr(module, "STATUSES", ())]
    return (row for row in rows if row.follows is not Follows.ACCEPTED)


def answered(kind: str, row: Answer, **more: Any) -> Program:
    """A program in which the service answers so, now and then."""
    reason = {} if row.reason in {"", f"HTTP{row.status}"} else {"reason": row.reason}
    told = reason | TOLD.get((kind, row.reason), {})
    return one("answer", **{"status": row.status, "every": 9, "times": 3, **told, **more})


def rows_of(kind: str) -> dict[str, tuple[Answer, Program]]:
    """A program for each row of a service, and for each in which it may be sent again with both waits."""
    found = {}
    for row in answers(kind):
        name = f"{row.status} {row.reason}".strip()
        found[name] = row, answered(kind, row)
        if row.follows in {Follows.LATER, Follows.DEVICE_LATER}:
            found[f"{name}, in 5 s"] = row, answered(kind, row, retry_after="5s")
            found[f"{name}, at a time"] = row, answered(kind, row, retry_after="5s", retry_date=True)
    return found


def doubted(kind: str) -> dict[str, Program]:
    """Targets that are refused by the dozen, for a reason that a wrong environment gives for living ones."""
    return {
        f"by the dozen: {row.status} {row.reason}": replace(
            answered(kind, row, every=1, times=30), batches=(60,)
        )
        for row in answers(kind)
        if row.dead in DOUBTFUL
    }


def is_as(row: Answer, found: Verdict) -> bool:
    """Whether the outcomes are those that a row of the table wants."""
    if row.follows not in {Follows.REJECTED, Follows.DEAD}:
        return not found.reasons and not found.dead
    others = [
        each for each in found.reasons if not each.startswith(row.reason)
    ]  # a field may be named behind it
    return not others and found.dead == (3 if row.dead else 0)


def programs_of(kind: str) -> dict[str, Program]:
    """Every program of a service that is not of a row."""
    found = dict(CONNECTIONS)
    found |= STREAMS if kind in HTTP2 else {}
    found |= REFUSED_TOKENS if kind in TOKENS | SIGNED else {}
    found |= ACCESS_TOKENS if kind in TOKENS else {}
    return found


def _rules(kind: str) -> "st.SearchStrategy[dict[str, Any]]":
    statuses = sorted({row.status for row in answers(kind)} | {500, 503})
    some = {"request": st.none() | st.integers(1, 30), "every": st.none() | st.integers(5, 20)}
    common = {**some, "times": st.integers(1, 4)}
    acts: list[st.SearchStrategy[dict[str, Any]]] = [
        st.fixed_dictionaries({"act": st.just("answer"), "status": st.sampled_from(statuses), **common}),
        st.fixed_dictionaries({"act": st.just("drop"), "accepted": st.booleans(), **common}),
        st.fixed_dictionaries({"act": st.just("silence"), "accepted": st.booleans(), **common}),
        st.fixed_dictionaries({"act": st.just("slow"), "delay": st.sampled_from(["50ms", LATE]), **common}),
    ]
    if kind in HTTP2:
        acts.append(st.fixed_dictionaries({"act": st.just("goaway"), "accepted": st.booleans(), **common}))
        codes = st.sampled_from(["REFUSED_STREAM", "INTERNAL_ERROR"])
        acts.append(st.fixed_dictionaries({"act": st.just("rst-stream"), "code": codes, **common}))
    return st.one_of(acts)


def random_ones(kind: str) -> "st.SearchStrategy[Program]":
    """Random sequences of faults."""
    return st.builds(
        Program,
        script=st.lists(_rules(kind), min_size=1, max_size=4).map(tuple),
        delivery=st.sampled_from(Delivery),
        batches=st.lists(st.integers(1, 30), min_size=1, max_size=3).map(tuple),
        connections=st.integers(1, 3),
        window=st.sampled_from([1, 7, 100]),
        dead=st.sampled_from([0, 11]),
    )


def audit(kind: str, only: list[str] | None, certificates: Path) -> bool:
    """Whether all named programs of a service go well, or those of `only`; all are run."""
    stand, rows, unproven = stand_of(kind), rows_of(kind), doubted(kind)
    every = programs_of(kind) | unproven | {name: program for name, (_, program) in rows.items()}
    good = True
    for name in only or every:
        for delivery in Delivery:
            title = f"{kind}: {name}: {delivery}"
            found = judge(title, replace(every[name], delivery=delivery), certificates, stand)
            fits = is_as(rows[name][0], found) if name in rows else name not in unproven or not found.dead
            if not fits:
                print(f"FAIL {title}: rejected for {found.reasons}, {found.dead} dead", flush=True)
            good = good and found.good and fits
    return good


def main() -> None:
    """Run all programs, then the random sequences."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--service", nargs="*", choices=SERVICE_APPS, default=list(SERVICE_APPS))
    parser.add_argument("--seed", type=int, default=0, help="of the random sequences")
    parser.add_argument("--examples", type=int, default=10, help="random sequences for each service")
    parser.add_argument("--only", nargs="*", help="programs, by name")
    arguments = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="pushgate-faults-") as directory:
        certificates = Path(directory)
        for kind in arguments.service:
            good = audit(kind, arguments.only, certificates) and good
            if arguments.examples and not arguments.only:
                many, start = arguments.examples, arguments.seed
                good = random_programs(random_ones(kind), many, start, certificates, stand_of(kind)) and good
    sys.exit(not good)


if __name__ == "__main__":
    main()
