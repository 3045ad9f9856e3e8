"""Alerts and dashboard: every expression is one, asks for what the gateway has, and the alerts fire when they should."""

import json
import re
import shutil
import subprocess
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pushgate.hub.outcomes.names import SKIPPED
from pushgate.model.errors import REFUSALS
from pushgate.model.metrics import BOUNDS, COUNTERS, HISTOGRAMS, Metrics
from pushgate.model.outcome import State
from pushgate.net.prometheus import Exposition
from pushgate.protocols.apns_binary.connection_end import End
from pushgate.protocols.telemetry_names import OutcomeName
from pushgate.sinks.metrics import MetricsTable
from pushgate.upstreams.common.circuit_breaker import Cause
from tests.test_docs import ROOT, anchors

RULES = ROOT / "etc" / "prometheus" / "pushgate.rules.yml"
CASES = Path(__file__).with_name("pushgate.rules.test.yml")
SCRAPE = ROOT / "etc" / "prometheus" / "scrape.yml"
DASHBOARD = json.loads((ROOT / "etc" / "grafana" / "pushgate.json").read_text())
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
PANELS = DASHBOARD["panels"]
TARGET = {"job", "instance"}
"""What Prometheus adds to everything."""
WORDS: dict[str, set[str]] = {
    "state": {*State, "connecting", "ready", "spare", "draining"},
    "code": set(REFUSALS),
    "cause": {*Cause, *(end.name.lower() for end in End)},
    "fate": {"acknowledged", "dead-lettered", "returned", "requeued", "repeated"},
    "reason": {
        "InvalidToken", "InvalidTokenSize", "DeadToken", "ExpirationPassed", "PushServiceUnreachable", "unread",
        "crowded",
    },
    "job": {"pushgate"},
    "outcome": {*OutcomeName, SKIPPED},
    "sink": {"log", "amp.watch-12", "http.wait"},
}  # fmt: skip
"""Values of labels that there are, or may be."""


def exposed() -> dict[str, set[str]]:
    """Each series that Prometheus reads of a gateway to which everything has happened, with its labels."""
    metrics = Metrics()
    for name, labels in COUNTERS.items():
        metrics.count(name, *labels)
    for name, labels in HISTOGRAMS.items():
        metrics.observe(name, *labels, seconds=1)
    news = {
        "queue": 1, "queue_age": 1, "window": 1, "delayed": 1, "connections": {"ready": 1}, "certificate_expires": 1,
        "circuit": {"open": False, "cause": ""}, "routes": {"https://push.example.com": {"open": True, "cause": "refused"}},
    }  # fmt: skip
    stats = {"apps": {"news": news}, "sinks": {"log": {"lag": 1}}}
    text = Exposition(metrics, lambda: stats).answer("")[0].decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {"up": set()} | {sample.name: set(sample.labels) for sample in samples}


EXPOSED = exposed()


def expressions() -> Iterator[Any]:
    for alert in ALERTS:
        yield pytest.param(alert["expr"], id=alert["alert"])
    for panel in PANELS:
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")


def parsed(expression: str) -> Any:
    """The tree of an expression, with a value for what Grafana fills in; raises ValueError when it is none."""
    return promql.parse(expression.replace("$__rate_interval", "5m"))


def nodes(node: Any) -> Iterator[Any]:
    """A tree's nodes."""
    yield node
    parts = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")]
    for part in (*parts, *getattr(node, "args", ())):
        if part is not None:
            yield from nodes(part)


def selectors(node: Any) -> list[Any]:
    return [each for each in nodes(node) if isinstance(each, promql.VectorSelector)]


def unknown(expression: str) -> list[str]:
    """What an expression asks for that there is not."""
    faults = []
    for node in nodes(parsed(expression)):
        if isinstance(node, promql.VectorSelector):
            labels = EXPOSED.get(node.name, set()) | TARGET
            faults += [] if node.name in EXPOSED else [node.name]
            for matcher in node.matchers.matchers:
                known = WORDS.get(matcher.name)
                pattern = (
                    matcher.value
                    if "~" in str(matcher.op) or "Re" in str(matcher.op)
                    else re.escape(matcher.value)
                )
                is_word = known is None or any(re.fullmatch(pattern, word) for word in known)
                faults += [] if matcher.name in labels and is_word else [f"{node.name}{{{matcher}}}"]
            continue
        modifier = getattr(node, "modifier", None)
        grouping = getattr(modifier, "matching", modifier)
        for label in getattr(grouping, "labels", None) or ():
            for selector in selectors(node):
                has = EXPOSED.get(selector.name, set()) | TARGET
                faults += [] if label in has else [f"{selector.name}: by or on {label}"]
    return faults


@pytest.mark.parametrize("expression", list(expressions()))
def test_they_ask_for_what_there_is(expression: str) -> None:
    """Every metric, every label and every value of a label in an expression is one that the gateway has."""
    assert unknown(expression) == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("sum(pushgate_queue)", "pushgate_queue"),
        ('pushgate_sink_lag{app="news"}', "pushgate_sink_lag"),
        ('pushgate_refused_total{code="FULL"}', "FULL"),
        ("sum by (sink) (rate(pushgate_resent_total[5m]))", "by or on sink"),
        ("rate(pushgate_accept_seconds[5m])", "pushgate_accept_seconds"),
        ("pushgate_sink_lag > on (app) pushgate_queue_age_seconds", "on app"),
    ],
)
def test_what_there_is_not_is_found(expression: str, fault: str) -> None:
    """The check above finds a wrong name, label, value, grouping and suffix."""
    assert fault in "".join(unknown(expression))


def test_every_metric_is_looked_at() -> None:
    """What the gateway counts an alert or a panel asks for."""
    asked = {selector.name for each in expressions() for selector in selectors(parsed(each.values[0]))}
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
    not_asked = {"pushgate_watchers_dropped_total"}  # the fault of the program that watches
    ours = {re.sub("_(bucket|sum|count)$", "", name) for name in EXPOSED if name.startswith("pushgate_")}
    assert ours - families == not_asked


def test_what_an_alert_asks_for_has_a_panel() -> None:
    """Whoever is woken by an alert finds its metric on the dashboard, and how the process does."""
    shown = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    alerting = {selector.name for alert in ALERTS for selector in selectors(parsed(alert["expr"]))}
    wanted = alerting - {"up"} | {
        "pushgate_build_info",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
    }
    assert {name for name in wanted if name not in shown} == set()


def test_an_app_can_be_chosen() -> None:
    """Whatever is known by app is shown of the apps that are chosen only, everything of the chosen gateways only."""
    for panel in PANELS:
        for target in panel["targets"]:
            for selector in selectors(parsed(target["expr"])):
                chosen = {each.name: each.value for each in selector.matchers.matchers}
                assert chosen["instance"] == "$instance", panel["title"]
                assert chosen.get("app") == ("$app" if "app" in EXPOSED[selector.name] else None), panel[
                    "title"
                ]


def test_a_quantile_near_the_response_timeout() -> None:
    """Outcomes after 5.2 s are shown as such: the bucket in which they fall is no wider than a quarter second."""
    at = bisect_left(BOUNDS, 5.2)
    assert BOUNDS[at] - BOUNDS[at - 1] <= 0.25


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    """It waits before it fires, has its severity, and leads to a paragraph that is there."""
    assert set(alert) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[1-9]\d*[mh]", alert["for"])
    assert alert["labels"]["severity"] in {"warning", "critical"}
    said = alert["annotations"]
    assert set(said) == {"summary", "description", "runbook"}
    page, _, anchor = said["runbook"].partition("#")
    assert (ROOT / page).exists()
    assert not anchor or anchor in anchors(ROOT / page)
    labels = set(re.findall(r"\$labels\.(\w+)", "".join(said.values())))
    tree = parsed(alert["expr"])
    for node in nodes(tree):
        if isinstance(node, promql.AggregateExpr):
            assert labels <= set(node.modifier.labels) | {"le"}, "it is summed up over what it names"
    assert labels <= TARGET | set().union(*(EXPOSED[each.name] for each in selectors(tree)))


def test_promtool_agrees() -> None:
    """promtool, where it is installed, takes the rules, and each of its cases fires the alerts that it should."""
    fired = {
        alert["alertname"]
        for case in yaml.safe_load(CASES.read_text())["tests"]
        for alert in case["alert_rule_test"]
    }
    assert fired <= {alert["alert"] for alert in ALERTS}
    if shutil.which("promtool"):
        for command in (["check", "rules", RULES], ["test", "rules", CASES]):
            done = subprocess.run(
                ["promtool", *command], capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr


def test_the_scrape() -> None:
    """It asks where the sample's metrics sink listens, under the name by which the alerts look for it."""
    [job] = yaml.safe_load(SCRAPE.read_text())["scrape_configs"]
    assert job["job_name"] == "pushgate"
    [[target]] = [each["targets"] for each in job["static_configs"]]
    port, host = re.fullmatch(
        r"tcp:(\d+):interface=(.+)", MetricsTable.model_fields["listen"].default
    ).groups()
    assert target == f"{host}:{port}"


def test_the_dashboard() -> None:
    """Each panel has its own place and id, says what it shows, and uses the variables there are."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken = [
        (x, y)
        for panel in PANELS
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(PANELS))) - {"__rate_interval"}
    assert used == variables == {"datasource", "app", "instance"}
    for panel in PANELS:
        assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"])
        assert panel["title"]
        assert panel["description"]
        for target in panel["targets"]:
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert re.search(rf"by \([^)]*\b{label}\b", target["expr"]), target
    questions = [
        each["query"]["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"
    ]
    for question in questions:
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", question).groups()
        assert label in EXPOSED[metric] | TARGET
