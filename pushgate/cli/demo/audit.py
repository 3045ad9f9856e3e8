"""The audit: the outcomes the gateway reported against what the push service received. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from pushgate.cli.demo.devices import Devices
from pushgate.cli.demo.services import BINARY
from pushgate.client import Record
from pushgate.model.outcome import State

_GOOD: Final = (State.ACCEPTED, State.PRESUMED)
"""What the gateway says of a notification that the push service took, as far as it can know."""

Count = tuple[str, int | None, str, int]
"""State, status, reason, and of how many notifications this is the last word."""


class Seen(msgspec.Struct, frozen=True):
    """What the push service says.

    :param received: by token, in hex, the numbers of the connections on which it was taken, in order.
    :param rejected: how many were rejected, by status.
    :param connections: how many the gateway opened.
    """

    received: Mapping[str, Sequence[int]]
    rejected: Mapping[int, int]
    connections: int


class Audit(msgspec.Struct, frozen=True):
    """What came out.

    :param counts: the gateway's outcomes.
    :param received: live devices that were reached, once or more.
    :param rejected: how many the push service rejected as dead.
    :param lost: live devices that were not.
    :param twice: those that were reached more than once.
    :param corrected: outcomes that were taken back by a later one.
    :param faults: a line for each rule that is broken; none when all is well.
    """

    counts: tuple[Count, ...]
    received: int
    rejected: int
    lost: int
    twice: int
    corrected: int
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return not self.faults

    def count(self, *states: State) -> int:
        """Of how many notifications one of `states` is the last word."""
        return sum(count for state, _, _, count in self.counts if state in states)

    def summary(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        outcomes = [
            {"state": state, "status": status, "reason": reason, "count": count}
            for state, status, reason, count in self.counts
        ]
        return {"ok": self.ok, **msgspec.structs.asdict(self), "counts": outcomes}


def audit(
    devices: Devices,
    reported: Iterable[Record],
    seen: Seen,
    silent_closes: int = 1,
    dead_status: int = BINARY.dead_status,
) -> Audit:
    """Check that nothing was lost, nothing reported wrongly, and nothing sent twice without need.

    :param reported: the gateway's outcome records, in order.
    :param silent_closes: connections that the push service closed without a word. Only what was in flight on
        one of them may have been sent twice.
    :param dead_status: with which a dead token is rejected.
    """
    last, first_words, corrected = _last_records(reported)
    counts = Counter((str(each.state), each.status, each.reason) for each in last.values())
    repeated = {token: numbers for token, numbers in seen.received.items() if len(numbers) > 1}
    return Audit(
        counts=tuple((*key, count) for key, count in sorted(counts.items(), key=str)),
        received=len(devices.live & seen.received.keys()),
        rejected=seen.rejected.get(dead_status, 0),
        lost=len(devices.live - seen.received.keys()),
        twice=len(repeated),
        corrected=corrected,
        faults=(
            *_about_devices(devices, last, first_words, seen, dead_status),
            *_about_counts(last, seen),
            *_about_repetition(repeated, silent_closes),
        ),
    )


def _last_records(reported: Iterable[Record]) -> tuple[dict[str, Record], Counter[str], int]:
    """By token its last record, and how many it has that correct none; and how many do."""
    last: dict[str, Record] = {}
    first_words: Counter[str] = Counter()
    corrected = 0
    for record in reported:
        token = record.token or ""
        last[token] = record
        if record.corrects:
            corrected += 1
        else:
            first_words[token] += 1
    return last, first_words, corrected


def _about_devices(
    devices: Devices,
    last: Mapping[str, Record],
    first_words: Counter[str],
    seen: Seen,
    dead_status: int,
) -> list[str]:
    live, dead, received = devices.live, devices.dead, seen.received.keys()
    good = {token for token, record in last.items() if record.state in _GOOD}
    rejected = {
        token
        for token, record in last.items()
        if record.state == State.REJECTED and record.status == dead_status
    }
    checks = {
        "lost: live tokens were never received": live - received,
        "live tokens are reported neither accepted nor presumed": (live & last.keys()) - good,
        f"dead tokens are reported otherwise than rejected with status {dead_status}": (
            (dead & last.keys()) - rejected
        ),
        "dead tokens were received": dead & received,
        "notifications have no outcome": (live | dead) - last.keys(),
        "notifications have more than one outcome": {t for t, count in first_words.items() if count > 1},
        "tokens were never pushed to": (last.keys() | received) - (live | dead),
    }
    return [_fault(what, tokens) for what, tokens in checks.items() if tokens]


def _about_counts(last: Mapping[str, Record], seen: Seen) -> list[str]:
    """The sums: they find what no single token shows, such as a rejection that was never reported."""
    faults = []
    good = sum(record.state in _GOOD for record in last.values())
    if good != len(seen.received):
        faults.append(
            f"{good:,} are reported as accepted or presumed, but {len(seen.received):,} devices were reached"
        )
    rejections = Counter(record.status for record in last.values() if record.state == State.REJECTED)
    for status in sorted(rejections.keys() | seen.rejected.keys(), key=str):
        counts = rejections[status], seen.rejected.get(status or 0, 0)
        if counts[0] != counts[1]:
            faults.append(
                f"{counts[0]:,} are reported as rejected with status {status}, "
                f"but {counts[1]:,} were rejected"
            )
    return faults


def _about_repetition(repeated: Mapping[str, Sequence[int]], silent_closes: int) -> list[str]:
    """All but the last connection that took a notification must have been closed without a word."""
    closed = {number for numbers in repeated.values() for number in numbers[:-1]}
    if len(closed) <= silent_closes:
        return []
    what = (
        f"received twice, and not because of {silent_closes} silent close: {len(closed)} connections repeated"
    )
    return [_fault(what, repeated.keys())]


def _fault(what: str, tokens: AbstractSet[str]) -> str:
    return f"{len(tokens):,} {what}, such as {min(tokens)}"
