"""Counters and histograms, counted per batch and read at each scrape; docs/contract.md has the names."""

from bisect import bisect_left
from typing import Final

COUNTERS: Final[dict[str, tuple[str, ...]]] = {
    "pushgate_submitted_total": ("app", "input"),
    "pushgate_refused_total": ("app", "input", "code"),
    "pushgate_pauses_total": ("app", "input"),
    "pushgate_connections_closed_total": ("input", "reason"),
    "pushgate_logins_failed_total": ("input",),
    "pushgate_outcomes_total": ("app", "state", "reason"),
    "pushgate_resent_total": ("app",),
    "pushgate_late_errors_total": ("app",),
    "pushgate_reconnects_total": ("app", "cause"),
    "pushgate_blocked_total": ("part",),
    "pushgate_upstream_errors_total": ("app",),
    "pushgate_sink_errors_total": ("sink",),
    "pushgate_sink_dropped_total": ("sink",),
    "pushgate_sink_given_up_total": ("sink", "reason"),
    "pushgate_watchers_dropped_total": ("input", "reason"),
    "pushgate_broker_losses_total": ("table",),
    "pushgate_messages_total": ("input", "fate"),
    "pushgate_hub_outgoing_total": ("hub", "pns", "outcome"),
    "pushgate_hub_registrations_total": ("hub", "operation"),
    "pushgate_hub_sends_total": ("hub", "kind"),
    "pushgate_mdm_events_total": ("app", "event"),
}
"""Each counter's labels. No token, id or payload is ever one."""

HISTOGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "pushgate_spool_commit_seconds": (),
    "pushgate_accept_seconds": ("input",),
    "pushgate_settle_seconds": ("app",),
}
"""Each histogram's labels; the values are seconds."""

MOST_SERIES: Final = 2000
"""Label values of one counter that are told apart."""
OTHER: Final = "other"
"""The last label of what is not."""
BOUNDS: Final = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    5.25,
    5.5,
    6,
    7.5,
    10,
    30,
    60,
)
"""Upper bounds of the histograms' buckets, in seconds; one more bucket takes what is longer.

An outcome on the binary stream takes `response_timeout`, by default 5 s, and a little: a quantile is guessed
within a bucket, so they are narrow there."""


class Histogram:
    """How often durations fell into each bucket, and their sum.

    :ivar buckets: counts for `BOUNDS`, then of everything beyond; not cumulative.
    """

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        """Count `times` events that took `seconds`."""
        self.buckets[bisect_left(BOUNDS, seconds)] += times
        self.total += seconds * times


class Metrics:
    """All counts of one process, by name and label values."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in COUNTERS}
        self.histograms: dict[str, dict[tuple[str, ...], Histogram]] = {name: {} for name in HISTOGRAMS}

    def count(self, name: str, *labels: str, times: int = 1) -> None:
        """Add to a counter; raise KeyError for a name that is not in `COUNTERS`.

        Some last labels are a peer's words: beyond `MOST_SERIES` of a counter new ones are `OTHER`.
        """
        counter = self.counts[name]
        if len(counter) >= MOST_SERIES and labels not in counter and len(labels) > 1:
            labels = (*labels[:-1], OTHER)
        counter[labels] = counter.get(labels, 0) + times

    def observe(self, name: str, *labels: str, seconds: float, times: int = 1) -> None:
        """Count a duration; raise KeyError for a name that is not in `HISTOGRAMS`."""
        series = self.histograms[name]
        if labels not in series:
            series[labels] = Histogram()
        series[labels].observe(seconds, times)
