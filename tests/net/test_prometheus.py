from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from pushgate import __version__
from pushgate.model.metrics import BOUNDS, COUNTERS, HISTOGRAMS, Metrics
from pushgate.model.outcome import State
from pushgate.net.prometheus import GAUGES, HELP, MOST_ROUTES, Exposition

CONTRACT = {
    "pushgate_submitted_total": {"app", "input"},
    "pushgate_refused_total": {"app", "input", "code"},
    "pushgate_outcomes_total": {"app", "state", "reason"},
    "pushgate_resent_total": {"app"},
    "pushgate_late_errors_total": {"app"},
    "pushgate_queue_notifications": {"app"},
    "pushgate_window_notifications": {"app"},
    "pushgate_delayed_notifications": {"app"},
    "pushgate_connections": {"app", "state"},
    "pushgate_reconnects_total": {"app", "cause"},
    "pushgate_circuit_open": {"app", "cause"},
    "pushgate_route_circuit_open": {"app", "origin", "cause"},
    "pushgate_certificate_expiry_timestamp_seconds": {"app"},
    "pushgate_spool_commit_seconds": set(),
    "pushgate_accept_seconds": {"input"},
    "pushgate_settle_seconds": {"app"},
    "pushgate_sink_lag": {"sink"},
    "pushgate_blocked_total": {"part"},
    "pushgate_upstream_errors_total": {"app"},
    "pushgate_sink_errors_total": {"sink"},
    "pushgate_build_info": {"version"},
}
"""The metrics that the contract promises, with their labels."""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def app(**changes: Any) -> dict[str, Any]:
    """One app's part of the gateway's stats."""
    return {
        "upstream": "apns-stream",
        "queue": 7,
        "queue_age": 2.5,
        "window": 3,
        "delayed": 2,
        "connections": {"ready": 2, "connecting": 1},
        "circuit": {"open": False, "cause": ""},
        "routes": {},
        "certificate_expires": None,
        **changes,
    }


class ExpositionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.metrics = Metrics()
        self.stats: dict[str, Any] = {"apps": {}, "sinks": {}}
        self.exposition = Exposition(self.metrics, lambda: self.stats)

    def text(self, accept: str = "") -> str:
        return self.exposition.answer(accept)[0].decode()

    def samples(self) -> Samples:
        """Every sample of a scrape, by name and sorted labels."""
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def test_all_of_the_contract_before_the_first_event(self) -> None:
        """Each metric is described before anything happened, so that alerts and dashboards find it."""
        text = self.text()
        for name in CONTRACT:
            kind = "counter" if name in COUNTERS else "gauge" if name in GAUGES else "histogram"
            self.assertIn(f"# HELP {name} ", text)
            self.assertIn(f"# TYPE {name} {kind}\n", text)

    def test_labels_of_the_contract(self) -> None:
        """Each metric has the contract's labels and no other."""
        declared = {**COUNTERS, **HISTOGRAMS, **GAUGES}
        for name, labels in CONTRACT.items():
            self.assertEqual(set(declared[name]), labels, name)

    def test_the_process(self) -> None:
        """The version, and what the client library knows of every process."""
        samples = {name: dict(labels) for name, labels in self.samples()}
        self.assertEqual(samples["pushgate_build_info"], {"version": __version__})
        self.assertIn("python_info", samples)
        if Path("/proc/self/stat").exists():
            self.assertLessEqual({"process_cpu_seconds_total", "process_open_fds"}, set(samples))

    def test_every_metric_has_its_help(self) -> None:
        """A metric that is added must be described."""
        self.assertEqual(set(HELP), {*COUNTERS, *HISTOGRAMS, *GAUGES})

    def test_counters(self) -> None:
        """Counts of the metrics appear with their labels."""
        self.metrics.count("pushgate_outcomes_total", "news", State.REJECTED, "InvalidToken", times=5)
        labels = (("app", "news"), ("reason", "InvalidToken"), ("state", "rejected"))
        self.assertEqual(self.samples()["pushgate_outcomes_total", labels], 5)

    def test_histograms_are_cumulative(self) -> None:
        """Each bucket counts what is not longer than its bound; +Inf counts all."""
        for seconds, times in ((0.0001, 1), (0.03, 2), (60.0, 4), (600.0, 8)):
            self.metrics.observe("pushgate_settle_seconds", "news", seconds=seconds, times=times)
        samples = self.samples()

        def bucket(bound: str) -> float:
            return samples["pushgate_settle_seconds_bucket", (("app", "news"), ("le", bound))]

        self.assertEqual([bucket("0.0005"), bucket("0.025"), bucket("0.05")], [1, 1, 3])
        self.assertEqual([bucket("30.0"), bucket("60.0"), bucket("+Inf")], [3, 7, 15])
        self.assertEqual(samples["pushgate_settle_seconds_count", (("app", "news"),)], 15)
        self.assertAlmostEqual(samples["pushgate_settle_seconds_sum", (("app", "news"),)], 5040.0601)

    def test_histogram_without_labels_starts_at_zero(self) -> None:
        """One that has no labels is a series from the start, with every bucket."""
        samples = self.samples()
        self.assertEqual(samples["pushgate_spool_commit_seconds_count", ()], 0)
        buckets = [name for name, _ in samples if name == "pushgate_spool_commit_seconds_bucket"]
        self.assertEqual(len(buckets), len(BOUNDS) + 1)

    def test_gauges_are_the_gateways_state(self) -> None:
        """Queues, windows, connections, certificates and lags are read when Prometheus asks."""
        self.stats = {
            "apps": {"news": app(certificate_expires=1.8e9), "mail": app(queue=0)},
            "sinks": {"outcomes": {"lag": 12}},
        }
        samples, news = self.samples(), ("app", "news")
        self.assertEqual(samples["pushgate_queue_notifications", (news,)], 7)
        self.assertEqual(samples["pushgate_queue_notifications", (("app", "mail"),)], 0)
        self.assertEqual(samples["pushgate_queue_age_seconds", (news,)], 2.5)
        self.assertEqual(samples["pushgate_window_notifications", (news,)], 3)
        self.assertEqual(samples["pushgate_delayed_notifications", (news,)], 2)
        self.assertEqual(samples["pushgate_connections", (news, ("state", "ready"))], 2)
        self.assertEqual(samples["pushgate_certificate_expiry_timestamp_seconds", (news,)], 1.8e9)
        self.assertNotIn(("pushgate_certificate_expiry_timestamp_seconds", (("app", "mail"),)), samples)
        self.assertEqual(samples["pushgate_sink_lag", (("sink", "outcomes"),)], 12)

    def circuits(self, **circuit: Any) -> dict[str, float]:
        """The circuit samples of an app, by cause."""
        self.stats["apps"] = {"news": app(circuit=circuit)}
        return {
            dict(labels)["cause"]: value
            for (name, labels), value in self.samples().items()
            if name == "pushgate_circuit_open"
        }

    def test_circuit(self) -> None:
        """An app has one circuit sample: 1 with the cause while open, otherwise 0 with an empty one."""
        self.assertEqual(self.circuits(open=False, cause=""), {"": 0})
        self.assertEqual(self.circuits(open=True, cause="network"), {"network": 1})
        self.assertEqual(self.circuits(open=False, cause="network"), {"": 0})

    def test_routes(self) -> None:
        """So many origins have a sample and no more, those of no use first: senders may choose origins."""
        routes = {f"https://{n:03}": {"open": n % 2 == 1, "cause": "refused"} for n in range(3 * MOST_ROUTES)}
        self.stats["apps"] = {"news": app(routes=routes)}
        found = {
            dict(labels)["origin"]: value
            for (name, labels), value in self.samples().items()
            if name == "pushgate_route_circuit_open"
        }
        self.assertEqual(found, {f"https://{n:03}": 1 for n in range(1, 2 * MOST_ROUTES, 2)})
        del routes["https://001"], routes["https://003"]
        self.stats["apps"] = {"news": app(routes=dict(list(routes.items())[:3]))}
        text = self.text()
        self.assertIn(
            'pushgate_route_circuit_open{app="news",cause="refused",origin="https://000"} 0.0', text
        )

    def test_format_is_negotiated(self) -> None:
        """Prometheus gets the format it prefers; without an Accept header it is the classic text."""
        plain = self.exposition.answer("")
        openmetrics = self.exposition.answer("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        self.assertTrue(plain[1].startswith("text/plain; version=0.0.4"))
        self.assertTrue(openmetrics[1].startswith("application/openmetrics-text"))
        self.assertTrue(openmetrics[0].endswith(b"# EOF\n"))
