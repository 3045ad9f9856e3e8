"""The numbers of the console's charts."""

import json
from collections import Counter

import pytest

from pushgate.inputs.http.console.app_state import app_state
from pushgate.inputs.http.console.latest import EACH, LatestOutcomes, chosen
from pushgate.inputs.http.console.point import drawn, quantile, rates
from pushgate.inputs.http.console.totals import point, totals
from pushgate.model.metrics import BOUNDS, Metrics
from pushgate.model.outcome import State
from pushgate.testing import outcome

STATS = {
    "apps": {"news": {"queue": 7, "window": 3}, "mail": {"queue": 0, "window": 0}},
    "sinks": {"log": {"lag": 0}, "ledger": {"lag": 12}, "http.watch-1": {"lag": 5, "watches": True}},
    "outcomes": {"news": {"accepted": 10, "rejected": 1}, "mail": {}},
}


@pytest.fixture
def metrics():
    """Metrics in which the outcomes so far took a millisecond each."""
    metrics = Metrics()
    metrics.observe("pushgate_settle_seconds", "news", seconds=0.001, times=11)
    metrics.observe("pushgate_settle_seconds", "mail", seconds=0.001, times=3)
    return metrics


@pytest.fixture
def second(metrics):
    """The point of two seconds: 30 more accepted, one expired, two of a new app."""
    before = totals(STATS, metrics, 100.0)
    metrics.observe("pushgate_settle_seconds", "news", seconds=0.2, times=31)
    metrics.observe("pushgate_settle_seconds", "web", seconds=7, times=2)
    outcomes = {"news": {"accepted": 40, "rejected": 1, "expired": 1}, "mail": {}, "web": {"accepted": 2}}
    after = totals({**STATS, "outcomes": outcomes}, metrics, 102.0)
    return point(before, after, STATS, 1_800_000_000.25)


def test_a_point_has_the_changes(second):
    """Counts are differences; zeros are left out, and so are watchers."""
    assert second.outcomes == {"news": {"accepted": 30, "expired": 1}, "web": {"accepted": 2}}
    assert {app: sum(each) for app, each in second.settled.items()} == {"news": 31, "web": 2}
    assert (second.queue, second.window) == ({"news": 7}, {"news": 3})
    assert second.lags == {"log": 0, "ledger": 12}


def test_a_point_of_readable_apps(second):
    """Rates are per second; other apps are in no figure, and sinks are shown only with all apps."""
    everything = drawn(second, lambda _: True, sinks=True)
    assert everything["states"] == {"accepted": 16.0, "expired": 0.5}
    assert everything["lags"] == {"log": 0, "ledger": 12}
    assert everything["at"] == 1_800_000_000.25
    assert everything["p95"] > 5
    news = drawn(second, lambda app: app == "news", sinks=False)
    assert news["states"] == {"accepted": 15.0, "expired": 0.5}
    assert 0.1 < news["p50"] <= news["p95"] <= 0.25
    assert news["lags"] == {}
    nothing = drawn(second, lambda _: False, sinks=False)
    assert (nothing["states"], nothing["p50"], nothing["queue"], nothing["window"]) == ({}, None, 0, 0)


def test_rates_of_apps(second):
    """Outcomes per second of the readable apps that had any."""
    assert rates(second, lambda _: True) == {"news": 15.5, "web": 1.0}
    assert rates(second, lambda app: app == "web") == {"web": 1.0}


def test_quantiles_are_interpolated():
    """Durations are assumed to be spread evenly within a bucket; the first one begins at 0."""
    buckets = [0] * (len(BOUNDS) + 1)
    assert quantile(buckets, 0.5) is None
    assert quantile([], 0.5) is None
    buckets[0] = 10
    assert quantile(buckets, 0.5) == BOUNDS[0] / 2
    buckets[3] = 10
    assert quantile(buckets, 1.0) == BOUNDS[3]
    assert BOUNDS[2] < quantile(buckets, 0.75) < BOUNDS[3]


def test_a_quantile_beyond_the_last_bound():
    """It is the last bound."""
    buckets = [0] * len(BOUNDS) + [5]
    assert quantile(buckets, 0.5) == BOUNDS[-1]


def test_app_state():
    """Only the shown fields; days until the certificate expires are rounded down."""
    stats = {
        "queue": 1,
        "circuit": {"open": False, "cause": ""},
        "certificate_expires": 2.5 * 86400,
        "secret": 1,
    }
    assert app_state(stats, 0.0) == {"queue": 1, "circuit": stats["circuit"], "certificate_days": 2}
    assert app_state({"certificate_expires": None}, 0.0) == {"certificate_days": None}
    assert app_state({}, 0.0) == {"certificate_days": None}


def records(state, count, app="news"):
    """As many records, each of a batch of its own."""
    return [outcome(state, app=app, order=number) for number in range(count)]


def test_failures_come_first():
    """A sample of many records keeps the failures."""
    kept = LatestOutcomes().add(records(State.ACCEPTED, 100) + records(State.REJECTED, 3))
    shown = [json.loads(bytes(each)) for each in chosen(kept, lambda _: True)]
    assert Counter(each["state"] for each in shown) == {"accepted": EACH - 3, "rejected": 3}
    kept = LatestOutcomes().add(records(State.ACCEPTED, 100) + records(State.REJECTED, 100))
    shown = [json.loads(bytes(each))["state"] for each in chosen(kept, lambda _: True)]
    assert Counter(shown) == {"accepted": EACH // 2, "rejected": EACH // 2}


def test_the_latest_records():
    """A new page gets the latest records of its apps; they are dropped at the end."""
    latest = LatestOutcomes()
    latest.add(records(State.ACCEPTED, 100) + records(State.EXPIRED, 5, "mail"))
    assert [json.loads(bytes(each))["app"] for each in latest.last(lambda app: app == "mail")] == ["mail"] * 5
    assert len(latest.last(lambda app: app == "news")) == EACH
    latest.clear()
    assert latest.last(lambda _: True) == []
