"""A point of the charts, of the apps that a page may read."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from pushgate.inputs.http.console.totals import Point
from pushgate.model.metrics import BOUNDS


def drawn(point: Point, wanted: Callable[[str], bool], sinks: bool) -> dict[str, Any]:
    """Return a point for JSON; rates are per second, times are in seconds.

    :param wanted: returns True for an app that is included.
    :param sinks: include the lag of sinks, which belong to all apps.
    """
    states: Counter[str] = Counter()
    for app, counts in point.outcomes.items():
        if wanted(app):
            states.update(counts)
    buckets = _sum(each for app, each in point.settled.items() if wanted(app))
    return {
        "at": round(point.at, 3),
        "states": {state: round(count / point.seconds, 1) for state, count in states.items()},
        "p50": quantile(buckets, 0.5),
        "p95": quantile(buckets, 0.95),
        "queue": sum(count for app, count in point.queue.items() if wanted(app)),
        "window": sum(count for app, count in point.window.items() if wanted(app)),
        "lags": point.lags if sinks else {},
    }


def rates(point: Point, wanted: Callable[[str], bool]) -> dict[str, float]:
    """Return the outcomes per second of each wanted app that had any."""
    return {
        app: round(sum(counts.values()) / point.seconds, 1)
        for app, counts in point.outcomes.items()
        if wanted(app)
    }


def quantile(buckets: Sequence[int], share: float) -> float | None:
    """Return a quantile of durations in seconds, interpolated within its bucket; None without counts.

    :param buckets: those of a `Histogram`; for the last one, which has no upper bound, its lower bound is
        returned.
    :param share: above 0, up to 1.
    """
    up_to = list(accumulate(buckets))
    if not up_to or not up_to[-1]:
        return None
    wanted = share * up_to[-1]
    index = next(place for place, count in enumerate(up_to) if count >= wanted)
    if index >= len(BOUNDS):
        return BOUNDS[-1]
    low = BOUNDS[index - 1] if index else 0.0
    within = (wanted - (up_to[index] - buckets[index])) / buckets[index]
    return round(low + (BOUNDS[index] - low) * within, 5)


def _sum(all_buckets: Iterable[Sequence[int]]) -> list[int]:
    total = [0] * (len(BOUNDS) + 1)
    for buckets in all_buckets:
        total = [one + other for one, other in zip(total, buckets, strict=True)]
    return total
