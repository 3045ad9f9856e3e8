"""What a measurement found."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import msgspec

from pushgate.cli.bench.tally import OutcomeKind


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a measurement.

    :param count: how many notifications there were to push.
    :param accepted: how many of them the gateway took.
    :param refused: how many it refused.
    :param settled: how many have an outcome.
    :param pushing: seconds from the first batch to the last answer.
    :param settling: seconds from the first batch to the last outcome.
    :param answers: seconds from each batch that was taken to its answer, ascending.
    :param outcomes: how many have each outcome.
    :param errors: code, text, and the number of notifications that the gateway refused, or did not answer
        for, with this code; the text is of the first.
    """

    count: int
    accepted: int
    refused: int
    settled: int
    pushing: float
    settling: float
    answers: Sequence[float]
    outcomes: tuple[tuple[OutcomeKind, int], ...]
    errors: tuple[tuple[str, str, int], ...]

    @property
    def ok(self) -> bool:
        """Whether every notification has an outcome."""
        return self.settled == self.count

    @property
    def missing(self) -> int:
        """Notifications that were not refused and have no outcome."""
        return self.count - self.refused - self.settled

    @property
    def pushed_rate(self) -> float:
        """Notifications taken, a second."""
        return _rate(self.accepted, self.pushing)

    @property
    def settled_rate(self) -> float:
        """Notifications settled, a second."""
        return _rate(self.settled, self.settling)

    def answer_time(self, percent: int) -> float | None:
        """Milliseconds within which so many per cent of the batches were answered."""
        if not self.answers:
            return None
        return 1000 * self.answers[ceil(percent * len(self.answers) / 100) - 1]

    def figures(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        times = {f"p{percent}": self.answer_time(percent) for percent in (50, 99)}
        return {
            "ok": self.ok,
            "notifications": self.count,
            "accepted": self.accepted,
            "pushed_in": round(self.pushing, 3),
            "pushed_rate": round(self.pushed_rate, 1),
            "settled": self.settled,
            "settled_in": round(self.settling, 3),
            "settled_rate": round(self.settled_rate, 1),
            "answer_ms": {name: None if time is None else round(time, 3) for name, time in times.items()},
            "outcomes": [
                {"state": state, "status": status, "reason": reason, "count": count}
                for (state, status, reason), count in self.outcomes
            ],
            "errors": [{"code": code, "detail": text, "count": count} for code, text, count in self.errors],
            "missing": self.missing,
        }


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
