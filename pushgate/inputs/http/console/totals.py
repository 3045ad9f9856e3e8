"""The counters of a gateway at one moment, and the changes between two moments."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pushgate.model.metrics import Histogram, Metrics


class Totals(msgspec.Struct, frozen=True):
    """The counters of a gateway at one moment.

    :param at: monotonic seconds.
    :param outcomes: outcomes since the start, by app and state.
    :param settled: the buckets of `pushgate_settle_seconds`, by app.
    """

    at: float
    outcomes: dict[str, dict[str, int]]
    settled: dict[str, list[int]]


class Point(msgspec.Struct, frozen=True):
    """The changes within an interval, and the state at its end. Apps with zeros are left out.

    :param at: the end of the interval, in Unix seconds.
    :param seconds: the length of the interval.
    :param outcomes: outcomes by app and state.
    :param settled: outcomes by app and bucket.
    :param queue: notifications waiting, by app.
    :param window: notifications written and not settled, by app.
    :param lags: notifications that each sink has not accepted yet.
    """

    at: float
    seconds: float
    outcomes: dict[str, dict[str, int]]
    settled: dict[str, list[int]]
    queue: dict[str, int]
    window: dict[str, int]
    lags: dict[str, int]


def totals(stats: Mapping[str, Any], metrics: Metrics, now: float) -> Totals:
    """Return the counters of this moment.

    :param stats: a result of `IGateway.stats`.
    :param now: monotonic seconds.
    """
    series: dict[tuple[str, ...], Histogram] = metrics.histograms["pushgate_settle_seconds"]
    settled = {app: list(histogram.buckets) for (app,), histogram in series.items()}
    return Totals(now, {app: dict(each) for app, each in stats.get("outcomes", {}).items()}, settled)


def point(before: Totals, after: Totals, stats: Mapping[str, Any], wall: float) -> Point:
    """Return the changes between two moments.

    :param stats: the result of `IGateway.stats` at the later one.
    :param wall: the later one in Unix seconds.
    """
    apps = stats.get("apps", {})
    return Point(
        at=wall,
        seconds=max(0.001, after.at - before.at),
        outcomes=_more_outcomes(before.outcomes, after.outcomes),
        settled=_more_settled(before.settled, after.settled),
        queue={app: each["queue"] for app, each in apps.items() if each.get("queue")},
        window={app: each["window"] for app, each in apps.items() if each.get("window")},
        lags={name: each["lag"] for name, each in stats.get("sinks", {}).items() if not each.get("watches")},
    )


def _more_outcomes(
    before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    found = {}
    for app, counts in after.items():
        was = before.get(app, {})
        if more := {state: n - was.get(state, 0) for state, n in counts.items() if n > was.get(state, 0)}:
            found[app] = more
    return found


def _more_settled(before: Mapping[str, list[int]], after: Mapping[str, list[int]]) -> dict[str, list[int]]:
    found = {}
    for app, buckets in after.items():
        was = before.get(app, [0] * len(buckets))
        if buckets != was:
            found[app] = [now - then for now, then in zip(buckets, was, strict=True)]
    return found
