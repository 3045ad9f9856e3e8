"""What happened to each app's notifications: since the start, and within the last minute."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pushgate.model.dead_token import DeadReason
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import State

WINDOW: Final = 60.0
"""Seconds over which what happened recently is counted."""
INTERVAL: Final = 5.0
"""Seconds between two samples."""
AS_DEAD: Final = "rejected_as_dead"
"""The count of notifications that the push service refused because of their token."""
COUNTED: Final = {
    "submitted": "pushgate_submitted_total",
    "refused": "pushgate_refused_total",
    "resent": "pushgate_resent_total",
    "late_errors": "pushgate_late_errors_total",
}
"""The counters whose first label is an app, by what they are called here."""
_DEAD: Final = frozenset(DeadReason)


class Traffic:
    """Compares counters with what they were a minute ago.

    Counting costs nothing: the counters are those of the metrics, looked at every few seconds.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._samples: deque[tuple[float, dict[str, Counter[str]]]] = deque()

    def sample(self, now: float) -> None:
        """Note the counts, if that is due. Call it now and then.

        :param now: monotonic seconds.
        """
        while self._samples and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        if not self._samples or now - self._samples[-1][0] >= INTERVAL:
            self._samples.append((now, self._counts()))

    def stats(self, apps: Iterable[str], now: float) -> dict[str, dict[str, Any]]:
        """For each of these apps `counts` and `recent`, ready for JSON.

        :param now: monotonic seconds.
        """
        current = self._counts()
        since, before = self._samples[0] if self._samples else (now, current)
        none: Counter[str] = Counter()
        return {
            app: {
                "counts": _named(current.get(app, none)),
                "recent": {
                    "seconds": round(now - since, 3),
                    **_named(recent := current.get(app, none) - before.get(app, none)),
                    "outcomes": {state: recent[state] for state in State if recent[state]},
                },
            }
            for app in apps
        }

    def _counts(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for name, metric in COUNTED.items():
            for (app, *_), count in self._metrics.counts[metric].items():
                found.setdefault(app, Counter())[name] += count
        for (app, state, reason), count in self._metrics.counts["pushgate_outcomes_total"].items():
            counts = found.setdefault(app, Counter())
            counts[state] += count
            if state == State.REJECTED and reason in _DEAD:
                counts[AS_DEAD] += count
        return found


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in (*COUNTED, AS_DEAD)}
