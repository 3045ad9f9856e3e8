"""The metrics as Prometheus reads them: counts, and the gateway's state at the time of asking."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from pushgate import __version__
from pushgate.model.metrics import BOUNDS, COUNTERS, HISTOGRAMS, Histogram, Metrics

GAUGES: Final[dict[str, tuple[str, ...]]] = {
    "pushgate_queue_notifications": ("app",),
    "pushgate_queue_age_seconds": ("app",),
    "pushgate_window_notifications": ("app",),
    "pushgate_delayed_notifications": ("app",),
    "pushgate_connections": ("app", "state"),
    "pushgate_circuit_open": ("app", "cause"),
    "pushgate_route_circuit_open": ("app", "origin", "cause"),
    "pushgate_certificate_expiry_timestamp_seconds": ("app",),
    "pushgate_sink_lag": ("sink",),
    "pushgate_build_info": ("version",),
}
"""Each gauge's labels."""
MOST_ROUTES: Final = 20
"""Origins of an app that have a sample at a time: callers may choose them, and each is a series."""

HELP: Final[dict[str, str]] = {
    "pushgate_submitted_total": "Notifications accepted from a caller.",
    "pushgate_refused_total": "Notifications refused at an input.",
    "pushgate_logins_failed_total": "Logins at an input that failed.",
    "pushgate_outcomes_total": "Outcomes reported, corrections of presumed ones included.",
    "pushgate_pauses_total": "Times a connection was not read because the queue it fed was nearly full.",
    "pushgate_connections_closed_total": "Connections that an input closed for its peers' sake, by reason.",
    "pushgate_resent_total": "Notifications written again after an error or a lost connection.",
    "pushgate_late_errors_total": "Errors for notifications that were already presumed accepted.",
    "pushgate_reconnects_total": "Connections to the push service lost or not made.",
    "pushgate_blocked_total": "Times the reactor was held up for a second or longer.",
    "pushgate_upstream_errors_total": "Calls to an app's upstream that raised.",
    "pushgate_sink_errors_total": "Calls to a sink that failed.",
    "pushgate_sink_dropped_total": "Notifications not reported to a sink because its buffer was full.",
    "pushgate_sink_given_up_total": "Records a sink will not deliver: refused by the receiver, or too old.",
    "pushgate_watchers_dropped_total": "Programs that watched outcomes and were dropped, by reason.",
    "pushgate_broker_losses_total": "Connections to a broker that were lost or could not be made.",
    "pushgate_messages_total": "Messages of a broker's queue by their result.",
    "pushgate_hub_outgoing_total": "Outcomes of a hub's notifications, by the name that telemetry has.",
    "pushgate_hub_registrations_total": "Operations on a hub's registrations and installations.",
    "pushgate_hub_sends_total": "Sends that a hub accepted.",
    "pushgate_mdm_events_total": "What happened to managed devices: enrolments, pushes, calls, check-outs.",
    "pushgate_spool_commit_seconds": "Time the spool took to commit.",
    "pushgate_accept_seconds": "Time from a submission to its answer.",
    "pushgate_settle_seconds": "Time from acceptance to outcome.",
    "pushgate_queue_notifications": "Notifications waiting to be written.",
    "pushgate_queue_age_seconds": "Time since the oldest of them was accepted.",
    "pushgate_window_notifications": "Notifications written and not settled.",
    "pushgate_delayed_notifications": "Notifications that wait to be sent again, at the service's wish.",
    "pushgate_connections": "Connections to the push service.",
    "pushgate_circuit_open": "1 and the cause while an app's push service is of no use, else 0 and no cause.",
    "pushgate_route_circuit_open": "Origins of a push service that failed last: 1 while one is of no use.",
    "pushgate_certificate_expiry_timestamp_seconds": "Unix time when an app's certificate expires.",
    "pushgate_sink_lag": "Notifications reported and not yet taken by a sink.",
    "pushgate_build_info": "1, with the version of the gateway.",
}
"""The description of each metric."""


class GatewayCollector(Collector):
    """Reads the metrics and the gateway's `stats` at each scrape; counting itself costs nothing here."""

    def __init__(
        self,
        metrics: Metrics,
        stats: Callable[[], dict[str, Any]],
        sees: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._metrics, self._stats, self._sees = metrics, stats, sees

    def collect(self) -> Iterator[Metric]:
        """Every metric of the contract, those without a sample too."""
        yield from self._counters()
        yield from self._histograms()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        for name, labels in COUNTERS.items():
            counter = CounterMetricFamily(name, HELP[name], labels=labels)
            for values, count in self._metrics.counts[name].items():
                if self._shows(labels, values):
                    counter.add_metric(values, count)
            yield counter

    def _histograms(self) -> Iterator[Metric]:
        for name, labels in HISTOGRAMS.items():
            family = HistogramMetricFamily(name, HELP[name], labels=labels)
            series = self._metrics.histograms[name]
            if not labels and not series:
                series = {(): Histogram()}
            for values, histogram in series.items():
                if self._shows(labels, values):
                    family.add_metric(values, _cumulative(histogram), histogram.total)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        gauges = {name: GaugeMetricFamily(name, HELP[name], labels=labels) for name, labels in GAUGES.items()}
        stats = self._stats()
        for app, state in stats["apps"].items():
            if self._sees(app):
                _add_app(gauges, app, state)
        for sink, state in stats["sinks"].items():
            gauges["pushgate_sink_lag"].add_metric((sink,), state["lag"])
        gauges["pushgate_build_info"].add_metric((__version__,), 1)
        yield from gauges.values()

    def _shows(self, labels: Sequence[str], values: Sequence[str]) -> bool:
        """Return False for a sample of an app that the caller may not read of."""
        app = dict(zip(labels, values, strict=True)).get("app")
        return not app or self._sees(app)


class Exposition:
    """Renders the answer to a scrape: the gateway's metrics, and those of any process.

    The latter are the client library's: `process_*`, where there is a /proc, and `python_info`.
    """

    def __init__(self, metrics: Metrics, stats: Callable[[], dict[str, Any]]) -> None:
        self._metrics, self._stats = metrics, stats

    def answer(self, accept: str, sees: Callable[[str], bool] = lambda _: True) -> tuple[bytes, str]:
        """Body and content type, in the format that the request's `Accept` header asks for.

        :param sees: returns True for an app that the caller may read of.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(GatewayCollector(self._metrics, self._stats, sees))
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type


def _add_app(gauges: dict[str, GaugeMetricFamily], app: str, state: dict[str, Any]) -> None:
    gauges["pushgate_queue_notifications"].add_metric((app,), state["queue"])
    gauges["pushgate_queue_age_seconds"].add_metric((app,), state["queue_age"])
    gauges["pushgate_window_notifications"].add_metric((app,), state["window"])
    gauges["pushgate_delayed_notifications"].add_metric((app,), state["delayed"])
    for connection, count in state["connections"].items():
        gauges["pushgate_connections"].add_metric((app, connection), count)
    circuit = state["circuit"]
    cause = circuit["cause"] if circuit["open"] else ""
    gauges["pushgate_circuit_open"].add_metric((app, cause), int(circuit["open"]))
    for origin, route in sorted(state["routes"].items(), key=_open_first)[:MOST_ROUTES]:
        gauges["pushgate_route_circuit_open"].add_metric((app, origin, route["cause"]), int(route["open"]))
    if state["certificate_expires"] is not None:
        gauges["pushgate_certificate_expiry_timestamp_seconds"].add_metric(
            (app,), state["certificate_expires"]
        )


def _open_first(route: tuple[str, dict[str, Any]]) -> tuple[bool, str]:
    origin, state = route
    return not state["open"], origin


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    """The buckets of Prometheus: each counts everything up to its bound."""
    bounds = [*(str(float(bound)) for bound in BOUNDS), "+Inf"]
    return list(zip(bounds, accumulate(histogram.buckets), strict=True))
