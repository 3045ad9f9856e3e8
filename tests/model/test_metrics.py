"""Counts by name and label."""

import pytest

from pushgate.model.metrics import BOUNDS, COUNTERS, HISTOGRAMS, MOST_SERIES, OTHER, Histogram, Metrics


def test_counts_add_up_by_label():
    """Each combination of labels is counted apart, one at a time or many at once."""
    metrics = Metrics()
    metrics.count("pushgate_outcomes_total", "news", "accepted", "", times=500)
    metrics.count("pushgate_outcomes_total", "news", "accepted", "")
    metrics.count("pushgate_outcomes_total", "news", "rejected", "InvalidToken")
    assert metrics.counts["pushgate_outcomes_total"] == {
        ("news", "accepted", ""): 501,
        ("news", "rejected", "InvalidToken"): 1,
    }


def test_words_of_peers_are_bounded():
    """However many reasons a push service thinks of, they take no more room; nothing goes uncounted."""
    metrics = Metrics()
    for number in range(MOST_SERIES + 100):
        metrics.count("pushgate_outcomes_total", "news", "rejected", f"reason {number}")
    metrics.count("pushgate_outcomes_total", "news", "rejected", "reason 1")
    counts = metrics.counts["pushgate_outcomes_total"]
    assert len(counts) == MOST_SERIES + 1
    assert counts["news", "rejected", OTHER] == 100
    assert counts["news", "rejected", "reason 1"] == 2


def test_every_series_exists_from_the_start():
    """A reader finds every counter and histogram before anything was counted."""
    metrics = Metrics()
    assert metrics.counts == {name: {} for name in COUNTERS}
    assert metrics.histograms == {name: {} for name in HISTOGRAMS}


def test_a_misspelt_name_is_an_error():
    """A count that nobody would read is not kept silently."""
    with pytest.raises(KeyError):
        Metrics().count("pushgate_outcome_total")
    with pytest.raises(KeyError):
        Metrics().observe("pushgate_settle", seconds=1)


@pytest.mark.parametrize(("bucket", "bound"), list(enumerate(BOUNDS)))
def test_a_bound_belongs_to_its_bucket(bucket, bound):
    """A bucket counts what took at most its bound, as Prometheus' `le` says."""
    histogram = Histogram()
    histogram.observe(bound)
    histogram.observe(bound * 1.0001)
    assert histogram.buckets[bucket : bucket + 2] == [1, 1]


def test_durations_add_up():
    """A batch is observed once for all its members; the longest have a bucket too."""
    metrics = Metrics()
    metrics.observe("pushgate_settle_seconds", "news", seconds=0.5, times=100)
    metrics.observe("pushgate_settle_seconds", "news", seconds=1e6)
    metrics.observe("pushgate_settle_seconds", "mail", seconds=0.0)
    news = metrics.histograms["pushgate_settle_seconds"]["news",]
    assert sum(news.buckets) == 101
    assert news.buckets[-1] == 1
    assert news.total == 0.5 * 100 + 1e6
    assert sum(metrics.histograms["pushgate_settle_seconds"]["mail",].buckets) == 1


def test_no_secret_is_ever_a_label():
    """Tokens, ids and payloads never become labels: they are secret, and without number."""
    labels = {label for names in (*COUNTERS.values(), *HISTOGRAMS.values()) for label in names}
    gateway = {"app", "input", "code", "state", "reason", "cause", "sink", "table", "fate", "part"}
    assert labels == gateway | {"event", "hub", "kind", "operation", "outcome", "pns"}
