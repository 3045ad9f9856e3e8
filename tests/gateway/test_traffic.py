"""What happened to an app's notifications recently: differences of counters, over a minute at most."""

from pushgate.gateway.traffic import INTERVAL, WINDOW, Traffic
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import State

NONE = {"submitted": 0, "refused": 0, "resent": 0, "late_errors": 0, "rejected_as_dead": 0}


def outcome(metrics, state, reason="", times=1):
    metrics.count("pushgate_outcomes_total", "news", state, reason, times=times)


def test_before_the_first_sample():
    """A gateway that has just been made has counts, and nothing recent."""
    metrics = Metrics()
    metrics.count("pushgate_submitted_total", "news", "amp", times=3)
    stats = Traffic(metrics).stats(["news", "mail"], 7.0)
    assert stats["news"] == {
        "counts": NONE | {"submitted": 3},
        "recent": {"seconds": 0.0, **NONE, "outcomes": {}},
    }
    assert stats["mail"]["counts"] == NONE


def test_counts_by_app():
    """Counters of several inputs, codes and reasons are one number of an app; of other apps nothing is told."""
    metrics = Metrics()
    traffic = Traffic(metrics)
    traffic.sample(0.0)
    metrics.count("pushgate_submitted_total", "news", "amp", times=10)
    metrics.count("pushgate_submitted_total", "news", "http", times=5)
    metrics.count("pushgate_submitted_total", "gone", "http", times=5)
    metrics.count("pushgate_refused_total", "news", "http", "INVALID", times=2)
    metrics.count("pushgate_resent_total", "news", times=4)
    metrics.count("pushgate_late_errors_total", "news")
    outcome(metrics, State.ACCEPTED, times=6)
    outcome(metrics, State.REJECTED, "BadDeviceToken", times=3)
    outcome(metrics, State.REJECTED, "PayloadTooLarge")
    outcome(metrics, State.FAILED, "BadDeviceToken")
    counts = {"submitted": 15, "refused": 2, "resent": 4, "late_errors": 1, "rejected_as_dead": 3}
    outcomes = {"accepted": 6, "rejected": 4, "failed": 1}
    assert traffic.stats(["news"], 2.0) == {
        "news": {"counts": counts, "recent": {"seconds": 2.0, **counts, "outcomes": outcomes}}
    }


def test_only_the_last_minute():
    """What is older than the window is in the counts only, however often or seldom samples are taken."""
    metrics = Metrics()
    traffic = Traffic(metrics)
    for second in range(200):
        traffic.sample(float(second))
        metrics.count("pushgate_submitted_total", "news", "amp", times=2)
    recent = traffic.stats(["news"], 199.0)["news"]["recent"]
    assert WINDOW - INTERVAL <= recent["seconds"] <= WINDOW
    assert recent["submitted"] == 2 * (recent["seconds"] + 1)
    traffic.sample(1000.0)
    assert traffic.stats(["news"], 1000.0)["news"]["recent"] == {"seconds": 0.0, **NONE, "outcomes": {}}
    assert traffic.stats(["news"], 1000.0)["news"]["counts"]["submitted"] == 400


def test_a_correction():
    """An outcome that is corrected counts as both, as in the metrics."""
    metrics = Metrics()
    traffic = Traffic(metrics)
    traffic.sample(0.0)
    outcome(metrics, State.PRESUMED)
    outcome(metrics, State.REJECTED, "InvalidToken")
    assert traffic.stats(["news"], 1.0)["news"]["recent"]["outcomes"] == {"presumed": 1, "rejected": 1}
