"""The counts of a gateway at one moment, and what happened between two."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pushgate.model.metrics import Histogram, Metrics


class Totals(msgspec.Struct, frozen=True):
    """The counts of a gateway at one moment.

    :param at: monotonic seconds.
    :param outcomes: by app and state, since the gateway was started.
    :param settled: by app, how many outcomes took how long: the buckets of `pushgate_settle_seconds`.
    """

    at: float
    outcomes: dict[str, dict[str, int]]
    settled: dict[str, list[int]]


class Point(msgspec.Struct, frozen=True):
    """What happened within an interval, and what there was at its end. Apps where nothing was are left out.

    :param at: Unix seconds of its end.
    :param seconds: its length.
    :param outcomes: by app and state.
    :param settled: by app, the buckets.
    :param queue: notifications waiting, by app.
    :param window: notifications written and not settled, by app.
    :param lags: notifications that each sink has not taken yet.
    """

    at: float
    seconds: float
    outcomes: dict[str, dict[str, int]]
    settled: dict[str, list[int]]
    queue: dict[str, int]
    window: dict[str, int]
    lags: dict[str, int]


def totals(stats: Mapping[str, Any], metrics: Metrics, now: float) -> Totals:
    """The counts now.

    :param stats: what `IGateway.stats` returned.
    :param now: monotonic seconds.
    """
    series: dict[tuple[str, ...], Histogram] = metrics.histograms["pushgate_settle_seconds"]
    settled = {app: list(histogram.buckets) for (app,), histogram in series.items()}
    return Totals(now, {app: dict(each) for app, each in stats.get("outcomes", {}).items()}, settled)


def point(before: Totals, after: Totals, stats: Mapping[str, Any], wall: float) -> Point:
    """What happened between two moments.

    :param stats: what `IGateway.stats` returned at the later one.
    :param wall: Unix seconds of the later one.
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
